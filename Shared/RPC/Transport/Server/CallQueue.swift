/// Calls whose handlers are to run, in the order of their arrival. A list through the calls
/// themselves, so that a call is counted once on its way through.
@safe struct CallQueue {
  private var first: ServerCall?
  private var last: Unmanaged<ServerCall>?

  var isEmpty: Bool { first == nil }

  /// The method of the first call; nil when there is none, and for the fallback's.
  var nextMethod: Unmanaged<MethodEntry>? { unsafe first?.entry }

  mutating func append(_ call: ServerCall) {
    let new = unsafe Unmanaged.passUnretained(call)
    if let last = unsafe last {
      unsafe last._withUnsafeGuaranteedRef { $0.following = call }
    } else {
      first = call
    }
    unsafe last = unsafe new
  }

  /// Takes the first call out, if it is one of this method, or of the fallback for nil.
  mutating func take(of entry: Unmanaged<MethodEntry>?) -> ServerCall? {
    guard unsafe first?.entry?.toOpaque() == entry?.toOpaque(), let call = first.take() else {
      return nil
    }
    first = call.following.take()
    if first == nil { unsafe last = nil }
    return call
  }
}
