import Glibc
import Logging
import Synchronization
import Testing

@testable import Bootstrap

@Suite("Certificate watch")
struct CertificateWatchTests {
  private struct Broken: Error, CustomStringConvertible {
    let description: String
  }

  /// Files, what loading them comes to, and what is logged.
  private final class World: Sendable {
    private struct State {
      var version: Int64 = 0
      var failure: String?
      var loads = 0
      var lines: [String] = []
    }
    private let state = Mutex(State())

    var loads: Int { state.withLock { $0.loads } }
    var lines: [String] { state.withLock { $0.lines } }

    func change(failure: String? = nil) {
      state.withLock { state in
        state.version += 1
        state.failure = failure
      }
    }
    func mend() { state.withLock { $0.failure = nil } }

    func watch() -> CertificateWatch {
      let logger = Logger(label: "test") { _ in
        LogfmtHandler(service: "shop", level: .info, now: { 0 }) { bytes in
          let line = String(decoding: bytes, as: UTF8.self)
          self.state.withLock { $0.lines.append(String(line.split(separator: "msg=")[1])) }
        }
      }
      let watch = CertificateWatch(files: ["a", "b"], logger: logger) { path in
        let version = self.state.withLock { $0.version }
        return .init(
          inode: 1, bytes: 1, modifiedSeconds: path == "a" ? version : 0, modifiedNanoseconds: 0)
      }
      watch.add {
        let failure = self.state.withLock { state in
          state.loads += 1
          return state.failure
        }
        if let failure { throw Broken(description: failure) }
      }
      return watch
    }
  }

  private static let done = "\"certificates loaded\"\n"
  private static func failed(_ why: String) -> String {
    "\"certificates not loaded; the old ones stay\" error=\(why)\n"
  }

  @Test("files that change are loaded once, files that do not are left alone")
  func change() {
    let world = World()
    let watch = world.watch()
    watch.check(isAsked: false)
    #expect(world.loads == 0)
    world.change()
    watch.check(isAsked: false)
    watch.check(isAsked: false)
    #expect(world.loads == 1)
    #expect(world.lines == [Self.done])
  }

  @Test("whoever asks gets a load and a line each time")
  func asked() {
    let world = World()
    let watch = world.watch()
    watch.check(isAsked: true)
    world.change(failure: "mismatch")
    watch.check(isAsked: true)
    watch.check(isAsked: true)
    #expect(world.lines == [Self.done, Self.failed("mismatch"), Self.failed("mismatch")])
  }

  @Test("a failure is logged once and tried again until it is mended")
  func failure() {
    let world = World()
    let watch = world.watch()
    world.change(failure: "mismatch")
    for _ in 0..<5 { watch.check(isAsked: false) }
    #expect(world.loads == 5)
    #expect(world.lines == [Self.failed("mismatch")])
    world.mend()
    watch.check(isAsked: false)
    watch.check(isAsked: false)
    #expect(world.loads == 6)
    #expect(world.lines == [Self.failed("mismatch"), Self.done])
  }

  @Test("another content is another state, also under the same name and of the same size")
  func state() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("one", to: "file")
    let first = CertificateWatch.fileState(of: path)
    #expect(first != nil && CertificateWatch.fileState(of: path) == first)
    let other = try folder.write("two", to: "other")
    #expect(rename(other, path) == 0)
    #expect(CertificateWatch.fileState(of: path) != first)
    #expect(CertificateWatch.fileState(of: folder.path + "/missing") == nil)
  }
}
