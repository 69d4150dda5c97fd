import Foundation
import Testing

/// The rules on made-up projects: each of them has to be able to fail.
@Suite("Architecture rules")
struct RuleTests {
  private func project(
    _ name: String, kind: Project.Target.Kind = .regular, path: String? = nil,
    dependencies: [String] = [], source: String = ""
  ) -> Project {
    let path = path ?? "Shared/\(name)"
    let file = SwiftSource(path: "\(path)/File.swift", text: source)
    return Project(
      targets: [
        Project.Target(
          name: name, kind: kind, path: path, dependencies: dependencies, sources: [file])
      ], sources: [file])
  }

  @Test(
    "an import that the table does not have is found",
    arguments: [
      ("SharedDomain", "Glibc"), ("ShopDomain", "IdentityDomain"), ("ShopDomain", "SQLCore"),
      ("ShopStorage", "SQLiteDriver"), ("ShopStorage", "AccountingDomain"),
      ("ShopService", "AccountingService"), ("ShopService", "IdentityStorage"),
      ("ShopService", "SQLiteDriver"), ("ShopService", "RPCTransport"),
      ("kontor-shop", "AccountingService"), ("Bootstrap", "SQLCore"),
      ("Bootstrap", "ShopService"), ("RPCCore", "NIOCore"), ("SQLCore", "CSQLite"),
      ("GatewayProxy", "ShopService"), ("Operator", "SQLiteDriver"), ("ShopAPI", "ShopDomain"),
      ("kontor-gateway", "SQLiteDriver"), ("ShopService", "PostgresDriver"),
      ("ServiceStorage", "PostgresDriver"), ("SQLCore", "CPostgres"),
      ("PostgresDriver", "SQLiteDriver"), ("kontor-shop", "SQLiteDriver"),
      ("kontor-gateway", "DatabaseSelection"), ("ShopService", "DatabaseSelection"),
    ])
  func forbiddenArrow(_ target: String, _ module: String) {
    let kind: Project.Target.Kind = target.hasPrefix("kontor") ? .executable : .regular
    let imported = project(target, kind: kind, source: "// x\n@testable internal import \(module)")
    #expect(
      DependencyRules.forbiddenArrows(in: imported).map(\.description) == [
        "Shared/\(target)/File.swift:2: \(target) must not import \(module)"
      ])
    let declared = project(target, kind: kind, dependencies: [module])
    #expect(
      DependencyRules.forbiddenArrows(in: declared).map(\.description) == [
        "Package.swift: \(target) must not depend on \(module)"
      ])
  }

  @Test(
    "an import that the table has is accepted",
    arguments: [
      ("ShopDomain", "SharedDomain"), ("ShopStorage", "ShopDomain"), ("ShopStorage", "SQLCore"),
      ("ShopService", "ShopStorage"), ("ShopService", "AccountingAPI"),
      ("kontor-shop", "DatabaseSelection"), ("Bootstrap", "HealthAPI"), ("SQLiteDriver", "CSQLite"),
      ("DatabaseSelection", "PostgresDriver"), ("PostgresDriver", "CPostgres"),
      ("kontor", "ArgumentParser"),
    ])
  func allowedArrow(_ target: String, _ module: String) {
    let project = project(target, dependencies: [module], source: "private import \(module)")
    #expect(DependencyRules.forbiddenArrows(in: project) == [])
  }

  @Test("a target that no rule covers is found")
  func unknownTarget() {
    #expect(
      DependencyRules.forbiddenArrows(in: project("SharedHelpers")).map(\.message) == [
        "no rule says what SharedHelpers may import"
      ])
    #expect(DependencyRules.forbiddenArrows(in: project("MyTests", path: "Tests/My")) == [])
  }

  @Test("a second importer of a C library, and one that shows it, is found")
  func cModules() {
    var project = project("TLS", source: "private import COpenSSL")
    project.targets.append(
      Project.Target(name: "COpenSSL", kind: .system, path: "Shared/C/COpenSSL", dependencies: []))
    #expect(DependencyRules.leakingCModules(in: project) == [])
    project.targets[0].sources.append(
      SwiftSource(path: "Shared/TLS/Other.swift", text: "\npackage import COpenSSL"))
    #expect(
      DependencyRules.leakingCModules(in: project).map(\.description) == [
        "Shared/TLS/Other.swift:2: COpenSSL is imported with package access"
      ])
    project.targets[0].sources.removeLast()
    project.targets.append(
      Project.Target(
        name: "Cryptography", kind: .regular, path: "Shared/Cryptography", dependencies: [],
        sources: [SwiftSource(path: "x.swift", text: "import COpenSSL")]))
    #expect(
      DependencyRules.leakingCModules(in: project).map(\.message) == [
        "COpenSSL is for one importer but has Cryptography, TLS"
      ])
  }

  @Test("the generated C messages are for generated targets only")
  func generatedMessages() {
    var project = project("ShopAPI", source: "internal import CKontorProto")
    project.targets.append(
      Project.Target(
        name: "CKontorProto", kind: .regular, path: "Proto/Generated/C", dependencies: []))
    #expect(DependencyRules.leakingCModules(in: project) == [])
    project.targets[0] = Project.Target(
      name: "ShopService", kind: .regular, path: "Services/Shop/Service", dependencies: [],
      sources: project.targets[0].sources)
    #expect(DependencyRules.leakingCModules(in: project).count == 1)
  }

  @Test("Foundation is found however deep a service links it")
  func foundation() {
    var project = project(
      "kontor-shop", kind: .executable, path: "Services/Shop/Main", dependencies: ["A"])
    project.targets += [
      Project.Target(name: "A", kind: .regular, path: "A", dependencies: ["B"]),
      Project.Target(
        name: "B", kind: .regular, path: "B", dependencies: ["A"],
        sources: [
          SwiftSource(path: "B/File.swift", text: "#if os(Linux)\nimport FoundationEssentials\n")
        ]),
      Project.Target(
        name: "C", kind: .regular, path: "C", dependencies: [],
        sources: [SwiftSource(path: "C/File.swift", text: "import Foundation")]),
    ]
    #expect(
      DependencyRules.foundationInServices(in: project).map(\.description) == [
        "B/File.swift:2: FoundationEssentials would be linked into the services"
      ])
  }

  @Test("a stray file at the top is found, a dotfile is not")
  func topLevel() {
    var project = project("SharedDomain")
    project.topLevelNames = [".gitignore", "Package.swift", "Shared", "Sources", "notes.txt"]
    #expect(SourceRules.strayTopLevelNames(in: project).map(\.place) == ["Sources", "notes.txt"])
  }

  @Test("a file above the limit is found, one at the limit is not")
  func length() {
    let atLimit = String(repeating: "\n", count: SourceRules.maximumLines)
    #expect(SourceRules.longFiles(in: project("SharedDomain", source: atLimit)) == [])
    #expect(SourceRules.longFiles(in: project("SharedDomain", source: atLimit + "x")).count == 1)
  }

  @Test(
    "a task without a parent is found",
    arguments: [
      "Task { }", "Task{}", "let a = Task(priority: .high) { }", "Task.detached { }",
      "  return Task.immediate { }", "Task (name: nil) {}", "_ = Task.init {}",
    ])
  func tasks(_ code: String) {
    #expect(
      SourceRules.unstructuredTasks(in: project("ServiceStorage", source: "\n\(code)\n"))
        .map(\.place) == ["Shared/ServiceStorage/File.swift:2"])
    let runtime = project("RPCTransport", path: "Shared/RPC/Transport", source: code)
    #expect(SourceRules.unstructuredTasks(in: runtime) == [])
  }

  @Test(
    "what only resembles a task is not taken for one",
    arguments: [
      "try await Task.sleep(for: x)", "Task.isCancelled", "// Task { }", "\"Task { }\"",
      "/* /* */ Task { } */", "addTask { }", "MyTask { }", "group.Task { }", "TaskGroup(x)",
      "\"\"\"\nTask { }\n\"\"\"", "#\"\"Task {\"#", "\"\\(a(\")\")) Task {\"", "Tasks {",
    ])
  func noTasks(_ code: String) {
    #expect(SourceRules.unstructuredTasks(in: project("ServiceStorage", source: code)) == [])
  }

  @Test("traps are found, and their like in texts and names are not")
  func traps() {
    let code = """
      fatalError("x")
      let a = try! b()
      // fatalError("x")
      let c = "try! x"
      let fatalErrorCount = try b() ? !c : d
      """
    #expect(
      SourceRules.traps(in: project("ServiceStorage", source: code)).map(\.place) == [
        "Shared/ServiceStorage/File.swift:1", "Shared/ServiceStorage/File.swift:2",
      ])
  }

  @Test("an actor is found, and its like in texts, columns and tests is not")
  func actors() {
    let code = """
      package actor Store {
      let text = \"""
        actor TEXT NOT NULL
        \"""
      // actor Store
      let actor = Actor()
      """
    #expect(
      SourceRules.actors(in: project("ServiceStorage", source: code)).map(\.place) == [
        "Shared/ServiceStorage/File.swift:1"
      ])
    #expect(SourceRules.actors(in: project("MyTests", path: "Tests/My", source: code)) == [])
  }

  @Test("imports are read with access, kind, attribute and condition")
  func imports() {
    let source = SwiftSource(
      path: "x",
      text: """
        import A
        package import B // why
        @testable internal import C
        import struct D.E
        @preconcurrency private import F.G
        #if canImport(H)
          public import H
        #endif
        /* import I */
        let text = \"\"\"
          import J
          \"\"\"
        """)
    #expect(source.imports.map(\.module) == ["A", "B", "C", "D", "F", "H"])
    #expect(
      source.imports.map(\.access) == [
        "internal", "package", "internal", "internal", "private", "public",
      ])
    #expect(source.imports.map(\.line) == [1, 2, 3, 4, 5, 7])
  }

  @Test("the manifest is read as the package manager prints it")
  func manifest() throws {
    let project = try Project(
      manifest: Data(
        """
        {"name": "x", "targets": [
          {"name": "A", "type": "regular", "path": "P", "dependencies": [
            {"byName": ["B", null]}, {"product": ["C", "package-c", null, null]},
            {"target": ["D", null]}]},
          {"name": "B", "type": "system", "path": "Q", "dependencies": []}]}
        """.utf8))
    #expect(project.target("A")?.dependencies == ["B", "C", "D"])
    #expect(project.target("B")?.kind == .system)
    #expect(throws: (any Error).self) { try Project(manifest: Data("{}".utf8)) }
  }
}
