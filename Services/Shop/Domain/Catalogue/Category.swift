/// The groups of the product menu (PROD-1).
package enum Category: String, Sendable, Hashable, CaseIterable {
  case webAndDomain = "web-and-domain"
  case mailAndCollaboration = "mail-and-collaboration"
  case cloudAndStorage = "cloud-and-storage"
  case streamingAndEvents = "streaming-and-events"
  case tools = "tools"
}
