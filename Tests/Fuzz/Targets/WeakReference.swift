/// An object that has to be gone in the end.
struct WeakReference {
  weak var object: AnyObject?
}
