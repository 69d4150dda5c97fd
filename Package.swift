// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target (see Shared/Documentation/STYLE.md).
let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Settings of the targets that touch C or raw memory: every unsafe use is marked.
let unsafeSettings = swiftSettings + [.strictMemorySafety()]

/// Settings of the modules that every byte of every call passes, whose objects stay on one event
/// loop: the run-time checks of exclusive access, a fifth of a call's instructions, are left to
/// debug builds, which all tests are (Shared/Documentation/Decisions).
let hotSettings =
  unsafeSettings + [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
  ]

/// A Swift module of this package.
func module(
  _ name: String, _ path: String, _ dependencies: [Target.Dependency] = [],
  touchesMemory: Bool = false, isHot: Bool = false, exclude: [String] = [],
  resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path, exclude: exclude, resources: resources,
    swiftSettings: isHot ? hotSettings : touchesMemory ? unsafeSettings : swiftSettings)
}

/// The composition root of one executable.
func program(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: path, swiftSettings: swiftSettings)
}

/// A test target; its support code and the module under test are named as dependencies.
func tests(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], path: path,
    swiftSettings: swiftSettings)
}

/// Whether this is the build of `Tests/Fuzz/run`.
let isFuzzing = Context.environment["KONTOR_FUZZ"] != nil

/// The fuzz targets: a test target that replays their inputs; in the build of `Tests/Fuzz/run` a
/// program with libFuzzer instead.
func fuzzing(_ dependencies: [Target.Dependency]) -> Target {
  guard isFuzzing else {
    return .testTarget(
      name: "FuzzTests", dependencies: dependencies, path: "Tests/Fuzz",
      exclude: ["Program", "Corpus", "Dictionaries", "run"], sources: ["Targets", "Replay"],
      swiftSettings: swiftSettings)
  }
  return .executableTarget(
    name: "fuzz", dependencies: dependencies, path: "Tests/Fuzz",
    exclude: ["Replay", "Corpus", "Dictionaries", "run"], sources: ["Targets", "Program"],
    swiftSettings: swiftSettings,
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])])
}

/// A C library of the system: a module map and a header of inline wrappers.
func systemLibrary(_ name: String) -> Target {
  .systemLibrary(name: name, path: "Shared/C/\(name)")
}

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let rpc: [Target.Dependency] = ["RPCCore", "Messages", "SharedDomain"]
let handlers: [Target.Dependency] = rpc + ["RequestValidation"]
let storage: [Target.Dependency] = ["SQLCore", "ServiceStorage"]
let main: [Target.Dependency] = [
  "Bootstrap", "RPCCore", "RPCTransport", "TLS", "SQLCore", "DatabaseSelection",
  "ServiceStorage", "SharedDomain", "Authentication", "Cryptography", "Notices", logging, nioPosix,
]

let package = Package(
  name: "kontor",
  products: [
    .executable(name: "kontor", targets: ["kontor"]),
    .executable(name: "kontor-identity", targets: ["kontor-identity"]),
    .executable(name: "kontor-organizations", targets: ["kontor-organizations"]),
    .executable(name: "kontor-shop", targets: ["kontor-shop"]),
    .executable(name: "kontor-accounting", targets: ["kontor-accounting"]),
    .executable(name: "kontor-gateway", targets: ["kontor-gateway"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    // C libraries: one Swift importer each.
    systemLibrary("COpenSSL"), systemLibrary("CCrypto"), systemLibrary("CNGHTTP2"),
    systemLibrary("CProtobufC"), systemLibrary("CSQLite"), systemLibrary("CPostgres"),
    systemLibrary("CArgon2"), systemLibrary("CZlib"), systemLibrary("CJansson"),

    // Contracts: generated, committed.
    .target(
      name: "CKontorProto", dependencies: ["CProtobufC"], path: "Proto/Generated/C",
      publicHeadersPath: "include"),
    module(
      "GoogleAPI", "Proto/Generated/Swift/GoogleAPI", ["CKontorProto", "Messages"],
      touchesMemory: true),
    module(
      "CommonAPI", "Proto/Generated/Swift/CommonAPI", ["CKontorProto", "GoogleAPI", "Messages"],
      touchesMemory: true),
    module(
      "HealthAPI", "Proto/Generated/Swift/HealthAPI", ["CKontorProto", "Messages", "RPCCore"],
      touchesMemory: true),
    module(
      "ReflectionAPI", "Proto/Generated/Swift/ReflectionAPI",
      ["CKontorProto", "Messages", "RPCCore"], touchesMemory: true),
    module(
      "IdentityAPI", "Proto/Generated/Swift/IdentityAPI",
      ["CKontorProto", "GoogleAPI", "CommonAPI", "ShopAPI", "Messages", "RPCCore"],
      touchesMemory: true),
    module(
      "OrganizationsAPI", "Proto/Generated/Swift/OrganizationsAPI",
      ["CKontorProto", "GoogleAPI", "CommonAPI", "Messages", "RPCCore"], touchesMemory: true),
    module(
      "ShopAPI", "Proto/Generated/Swift/ShopAPI",
      ["CKontorProto", "GoogleAPI", "CommonAPI", "Messages", "RPCCore"], touchesMemory: true),
    module(
      "AccountingAPI", "Proto/Generated/Swift/AccountingAPI",
      ["CKontorProto", "GoogleAPI", "CommonAPI", "Messages", "RPCCore"], touchesMemory: true),

    // Shared.
    module("SharedDomain", "Shared/Domain"),
    module("Messages", "Shared/Messages", ["CProtobufC"], isHot: true),
    module("TLS", "Shared/TLS", ["COpenSSL"], isHot: true),
    module("HTTP2", "Shared/HTTP2", ["CNGHTTP2"], isHot: true),
    module("Compression", "Shared/Compression", ["CZlib"], touchesMemory: true),
    module("JSON", "Shared/JSON", ["CJansson"], touchesMemory: true),
    module(
      "RPCCore", "Shared/RPC/Core", ["GoogleAPI", "Messages", "SharedDomain", logging],
      isHot: true),
    module(
      "RPCTransport", "Shared/RPC/Transport",
      [
        "Compression", "RPCCore", "HTTP2", "HealthAPI", "JSON", "TLS", "Messages", logging,
        nioCore, nioPosix,
      ],
      isHot: true),
    module("Reflection", "Shared/RPC/Reflection", ["RPCCore", "ReflectionAPI"]),
    module(
      "RPCInProcess", "Shared/RPC/InProcess", ["RPCCore", "Messages", logging], touchesMemory: true),
    module("Threads", "Shared/Threads", touchesMemory: true),
    module("SQLCore", "Shared/SQL/Core", ["SharedDomain"], touchesMemory: true),
    module(
      "SQLiteDriver", "Shared/SQL/SQLite",
      ["CSQLite", "SQLCore", "SharedDomain", "Threads", logging], touchesMemory: true),
    module(
      "PostgresDriver", "Shared/SQL/Postgres",
      ["CPostgres", "SQLCore", "SharedDomain", "Threads"], touchesMemory: true),
    module(
      "DatabaseSelection", "Shared/SQL/Selection",
      ["SQLCore", "SQLiteDriver", "PostgresDriver", "Bootstrap", "SharedDomain", logging]),
    module(
      "ServiceStorage", "Shared/ServiceStorage",
      ["SQLCore", "SharedDomain", "Cryptography", "JSON", "Messages", "RPCCore", logging]),
    module(
      "Cryptography", "Shared/Cryptography", ["CCrypto", "CArgon2", "Threads", "SharedDomain"],
      touchesMemory: true),
    module(
      "Authentication", "Shared/Authentication",
      handlers + ["IdentityAPI", "OrganizationsAPI", "Cryptography", logging]),
    module(
      "RequestValidation", "Shared/RequestValidation",
      ["CommonAPI", "GoogleAPI", "RPCCore", "SharedDomain"]),
    module(
      "Notices", "Shared/Notices", ["SharedDomain", "Cryptography", "Threads", logging],
      touchesMemory: true),
    module(
      "Bootstrap", "Shared/Bootstrap",
      [
        "RPCCore", "RPCTransport", "Reflection", "TLS", "HealthAPI", "SharedDomain", "Threads",
        logging, nioPosix,
      ],
      touchesMemory: true, exclude: ["README.md"]),

    // Identity.
    module("IdentityDomain", "Services/Identity/Domain", ["SharedDomain"]),
    module(
      "IdentityStorage", "Services/Identity/Storage", storage + ["IdentityDomain", "SharedDomain"]),
    module(
      "IdentityService", "Services/Identity/Service",
      handlers + storage + [
        "IdentityDomain", "IdentityStorage", "IdentityAPI", "OrganizationsAPI", "ShopAPI",
        "CommonAPI", "GoogleAPI", "Authentication", "Cryptography", "Notices", logging,
      ]),
    program(
      "kontor-identity", "Services/Identity/Main",
      main + [
        "IdentityService", "IdentityStorage", "IdentityAPI", "OrganizationsAPI", "ShopAPI",
      ]),

    // Organizations.
    module("OrganizationsDomain", "Services/Organizations/Domain", ["SharedDomain"]),
    module(
      "OrganizationsStorage", "Services/Organizations/Storage",
      storage + ["OrganizationsDomain", "SharedDomain"]),
    module(
      "OrganizationsService", "Services/Organizations/Service",
      handlers + storage + [
        "OrganizationsDomain", "OrganizationsStorage", "OrganizationsAPI", "IdentityAPI",
        "CommonAPI", "GoogleAPI", "Authentication", "Cryptography", logging,
      ]),
    program(
      "kontor-organizations", "Services/Organizations/Main",
      main + ["OrganizationsService", "OrganizationsStorage", "OrganizationsAPI"]),

    // Shop.
    module(
      "ShopDomain", "Services/Shop/Domain", ["SharedDomain"],
      resources: [.embedInCode("Catalogue/standard.catalogue")]),
    module("ShopStorage", "Services/Shop/Storage", storage + ["ShopDomain", "SharedDomain"]),
    module(
      "ShopService", "Services/Shop/Service",
      handlers + storage + [
        "ShopDomain", "ShopStorage", "ShopAPI", "AccountingAPI", "CommonAPI", "GoogleAPI",
        "Authentication", "Cryptography", logging,
      ]),
    program(
      "kontor-shop", "Services/Shop/Main",
      main + ["ShopDomain", "ShopService", "ShopStorage", "ShopAPI", "AccountingAPI"]),

    // Accounting.
    module("AccountingDomain", "Services/Accounting/Domain", ["SharedDomain"]),
    module(
      "AccountingStorage", "Services/Accounting/Storage",
      storage + ["AccountingDomain", "SharedDomain"]),
    module(
      "AccountingService", "Services/Accounting/Service",
      handlers + storage + [
        "AccountingDomain", "AccountingStorage", "AccountingAPI", "ShopAPI", "CommonAPI",
        "GoogleAPI", "Authentication", "Cryptography", "Notices", logging,
      ]),
    program(
      "kontor-accounting", "Services/Accounting/Main",
      main + [
        "AccountingDomain", "AccountingService", "AccountingStorage", "AccountingAPI", "ShopAPI",
      ]),

    // Gateway and operator.
    module(
      "GatewayProxy", "Services/Gateway/Proxy",
      [
        "RPCCore", "Messages", "SharedDomain", "IdentityAPI", "OrganizationsAPI", "ShopAPI",
        "AccountingAPI", logging,
      ]),
    program(
      "kontor-gateway", "Services/Gateway/Main",
      [
        "GatewayProxy", "Bootstrap", "RPCCore", "RPCTransport", "TLS", "SharedDomain", logging,
        nioPosix,
      ]),
    module(
      "Operator", "Services/Operator/Stack",
      [
        "Bootstrap", "RPCCore", "RPCTransport", "TLS", "HealthAPI", "Cryptography", "SharedDomain",
        logging, nioPosix, .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    module(
      "OperatorData", "Services/Operator/Data",
      [
        "Operator", "SQLCore", "SQLiteDriver", "PostgresDriver", "ServiceStorage",
        "IdentityStorage", "OrganizationsStorage", "ShopStorage", "AccountingStorage",
        "AccountingDomain", "Bootstrap", "Cryptography", "SharedDomain",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    program(
      "kontor", "Services/Operator/Main",
      ["Operator", "OperatorData", "Bootstrap", "SharedDomain", logging, arguments]),

    // Tests.
    module(
      "TestSupport", "Tests/Support",
      [
        "SharedDomain", "Cryptography", "SQLCore", "SQLiteDriver", "PostgresDriver", "Threads",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .executableTarget(
      name: "path-client",
      dependencies: [
        "IdentityAPI", "OrganizationsAPI", "ShopAPI", "AccountingAPI", "CommonAPI", "GoogleAPI",
        "RPCCore", "RPCTransport", "TLS", "Messages", nioPosix, logging,
      ],
      path: "Tests/Integration/PathClient", swiftSettings: swiftSettings),
    .target(
      name: "CBenchmarkProto", dependencies: ["CProtobufC"],
      path: "Tests/Benchmarks/rpc/Generated/C", publicHeadersPath: "include"),
    module(
      "BenchmarkAPI", "Tests/Benchmarks/rpc/Generated/Swift/BenchmarkAPI",
      ["CBenchmarkProto", "Messages", "RPCCore"], touchesMemory: true),
    .executableTarget(
      name: "rpc-benchmark",
      dependencies: [
        "BenchmarkAPI", "RPCCore", "RPCTransport", "TLS", "Messages", nioCore, nioPosix,
        nioEmbedded, logging,
      ],
      path: "Tests/Benchmarks/rpc/Program", swiftSettings: unsafeSettings),
    .executableTarget(
      name: "storage-benchmark",
      dependencies: [
        "AccountingAPI", "AccountingDomain", "AccountingStorage", "Cryptography", "PostgresDriver",
        "RPCCore", "RPCTransport", "SQLCore", "SQLiteDriver", "ServiceStorage", "SharedDomain",
        "TLS", nioCore, nioPosix, logging,
      ],
      path: "Tests/Benchmarks/storage/Program", swiftSettings: swiftSettings),
    .target(
      name: "CInteropProto", dependencies: ["CProtobufC"], path: "Tests/Interop/Generated/C",
      publicHeadersPath: "include"),
    module(
      "InteropAPI", "Tests/Interop/Generated/Swift/InteropAPI",
      ["CInteropProto", "Messages", "RPCCore"], touchesMemory: true),
    .executableTarget(
      name: "interop-server",
      dependencies: [
        "Bootstrap", "HTTP2", "InteropAPI", "Messages", "RPCCore", "RPCTransport", "SharedDomain",
        "TLS", nioPosix, logging,
      ],
      path: "Tests/Interop/Server", swiftSettings: swiftSettings),
    .executableTarget(
      name: "interop-client",
      dependencies: [
        "Bootstrap", "InteropAPI", "Messages", "RPCCore", "RPCTransport", "TLS", nioPosix, logging,
      ],
      path: "Tests/Interop/Client", swiftSettings: swiftSettings),
    tests("ArchitectureTests", "Tests/Architecture", []),
    tests("SharedDomainTests", "Tests/Shared/Domain", ["SharedDomain"]),
    .target(
      name: "CTestingProto", dependencies: ["CProtobufC"],
      path: "Tests/Shared/MessagesProto/Generated/C", publicHeadersPath: "include"),
    module(
      "TestingAPI", "Tests/Shared/MessagesProto/Generated/Swift/TestingAPI",
      ["CTestingProto", "Messages"], touchesMemory: true),
    tests(
      "MessagesTests", "Tests/Shared/Messages",
      ["Messages", "GoogleAPI", "CommonAPI", "ShopAPI", "TestingAPI"]),
    tests("TLSTests", "Tests/Shared/TLS", ["TLS"]),
    tests("HTTP2Tests", "Tests/Shared/HTTP2", ["HTTP2"]),
    tests("JSONTests", "Tests/Shared/JSON", ["JSON"]),
    tests(
      "RPCTests", "Tests/Shared/RPC",
      [
        "Compression", "RPCCore", "RPCTransport", "RPCInProcess", "Reflection", "ReflectionAPI",
        "TLS", "HTTP2",
        "HealthAPI", "GoogleAPI", "CommonAPI", "Messages", "SharedDomain", logging, nioCore,
        nioPosix,
      ]),
    .target(
      name: "CFaultyDisk", dependencies: ["CSQLite"], path: "Tests/Shared/FaultyDisk",
      publicHeadersPath: "include"),
    module("StorageFaults", "Tests/Shared/StorageFaults", ["CFaultyDisk", "SQLCore"]),
    tests(
      "SQLTests", "Tests/Shared/SQL",
      ["SQLCore", "SQLiteDriver", "PostgresDriver", "StorageFaults", logging]),
    tests(
      "ServiceStorageTests", "Tests/Shared/ServiceStorage",
      [
        "ServiceStorage", "SQLCore", "SQLiteDriver", "SharedDomain", "Cryptography", "GoogleAPI",
        "CommonAPI", "Messages", "RPCCore", logging,
      ]),
    tests(
      "RequestValidationTests", "Tests/Shared/RequestValidation",
      ["RequestValidation", "CommonAPI", "GoogleAPI", "RPCCore", "SharedDomain"]),
    tests("CryptographyTests", "Tests/Shared/Cryptography", ["Cryptography", "SharedDomain"]),
    tests("NoticesTests", "Tests/Shared/Notices", ["Notices", "SharedDomain", logging]),
    tests(
      "AuthenticationTests", "Tests/Shared/Authentication",
      [
        "Authentication", "Cryptography", "RPCCore", "GoogleAPI", "IdentityAPI",
        "OrganizationsAPI", "SharedDomain", "Messages", logging,
      ]),
    tests(
      "BootstrapTests", "Tests/Shared/Bootstrap",
      [
        "Bootstrap", "RPCCore", "RPCTransport", "HealthAPI", "ReflectionAPI", "Cryptography",
        "SharedDomain", logging,
      ]),
    tests(
      "IdentityTests", "Tests/Identity",
      [
        "IdentityDomain", "IdentityStorage", "IdentityService", "IdentityAPI", "OrganizationsAPI",
        "ShopAPI", "CommonAPI", "GoogleAPI", "RPCCore", "RPCInProcess", "Messages", "SQLCore",
        "SQLiteDriver",
        "ServiceStorage", "SharedDomain", "Authentication", "Cryptography", "Notices", logging,
      ]),
    tests(
      "OrganizationsTests", "Tests/Organizations",
      [
        "OrganizationsDomain", "OrganizationsStorage", "OrganizationsService", "OrganizationsAPI",
        "IdentityAPI", "CommonAPI", "GoogleAPI", "RPCCore", "RPCInProcess", "Messages", "SQLCore",
        "SQLiteDriver",
        "ServiceStorage", "SharedDomain", "Authentication", "Cryptography", logging,
      ]),
    tests(
      "ShopTests", "Tests/Shop",
      [
        "ShopDomain", "ShopStorage", "ShopService", "ShopAPI", "AccountingAPI", "CommonAPI",
        "GoogleAPI", "RPCCore", "RPCInProcess", "Messages", "RequestValidation", "SQLCore",
        "SQLiteDriver",
        "ServiceStorage",
        "SharedDomain", "Authentication", "Cryptography", logging,
      ]),
    tests(
      "AccountingTests", "Tests/Accounting",
      [
        "AccountingDomain", "AccountingStorage", "AccountingService", "AccountingAPI", "ShopAPI",
        "CommonAPI", "GoogleAPI", "RPCCore", "RPCInProcess", "Messages", "SQLCore", "SQLiteDriver",
        "ServiceStorage", "SharedDomain", "Authentication", "Cryptography", "Notices",
        "RequestValidation", "StorageFaults", logging,
      ]),
    tests(
      "GatewayTests", "Tests/Gateway",
      [
        "GatewayProxy", "RPCCore", "RPCTransport", "HTTP2", "TLS", "GoogleAPI", "Messages",
        "SharedDomain", "IdentityAPI", "OrganizationsAPI", "ShopAPI", "AccountingAPI", logging,
        nioCore, nioPosix,
      ]),
    fuzzing(
      [
        "GoogleAPI", "CommonAPI", "HealthAPI", "ReflectionAPI", "IdentityAPI", "OrganizationsAPI",
        "ShopAPI", "AccountingAPI", "TestingAPI", "Messages", "HTTP2", "Compression", "RPCCore",
        "RPCTransport", "TLS", "RequestValidation", "Authentication", "Cryptography", "Notices",
        "Bootstrap", "SharedDomain", "ShopDomain", "IdentityDomain", "TestSupport", logging,
        nioCore, nioEmbedded,
      ]),
    tests("OperatorTests", "Tests/Operator", ["Operator", "Bootstrap"]),
    tests(
      "OperatorDataTests", "Tests/OperatorData", ["OperatorData", "SQLCore", "SQLiteDriver"]),
  ]
)

if isFuzzing {
  // What decodes bytes from outside tells libFuzzer where it went, and the address sanitizer what
  // it touched; the libraries from elsewhere are built as ever.
  for target in package.targets
  where target.type == .regular && target.path?.hasSuffix("/C") != true {
    target.swiftSettings =
      (target.swiftSettings ?? []) + [
        .unsafeFlags(["-sanitize=fuzzer,address"])
      ]
  }
}
