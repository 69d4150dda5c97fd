import Testing

/// The rules on this project.
@Suite("Architecture")
struct ArchitectureTests {
  private let project: Project

  init() throws {
    project = try Project.own.get()
  }

  @Test("every rule sees the whole project")
  func isLoaded() {
    #expect(project.targets.count > 50)
    #expect(project.target("SharedDomain")?.sources.isEmpty == false)
    #expect(project.target("RPCTransport")?.dependencies.contains("NIOPosix") == true)
    #expect(project.sources.contains { $0.path == "Tests/Architecture/ArchitectureTests.swift" })
    #expect(project.sources.contains { $0.path == "Package.swift" })
    #expect(project.topLevelNames.contains("Shared"))
  }

  @Test("only the arrows of the table exist, in the manifest and in the sources")
  func arrows() {
    #expect(DependencyRules.forbiddenArrows(in: project) == [])
  }

  @Test("each C library has one Swift importer that hides it")
  func cModules() {
    #expect(DependencyRules.leakingCModules(in: project) == [])
  }

  @Test("no service links Foundation")
  func foundation() {
    #expect(DependencyRules.foundationInServices(in: project) == [])
  }

  @Test("the top of the project holds what it is meant to")
  func topLevel() {
    #expect(SourceRules.strayTopLevelNames(in: project) == [])
  }

  @Test("no file has grown too long")
  func lengths() {
    #expect(SourceRules.longFiles(in: project) == [])
  }

  @Test("every task outside the runtime has a parent")
  func tasks() {
    #expect(SourceRules.unstructuredTasks(in: project) == [])
  }

  @Test("no actor is declared in what is shipped")
  func actors() {
    #expect(SourceRules.actors(in: project) == [])
  }

  @Test("nothing ends the process but a violated precondition")
  func traps() {
    #expect(SourceRules.traps(in: project) == [])
  }
}
