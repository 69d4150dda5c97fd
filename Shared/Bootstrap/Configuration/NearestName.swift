/// The name that a mistyped one most likely meant, or nil when none is near.
///
/// Near is at most a third of the name's length in edits (insert, remove, replace or swap
/// neighbours: optimal string alignment). Of equally near ones the first in alphabetical order.
func nearestName(to name: String, among known: [String]) -> String? {
  let typed = Array(name.utf8.prefix(80))
  var best: (name: String, distance: Int)?
  for candidate in known.sorted() {
    let distance = editDistance(typed, Array(candidate.utf8))
    if distance <= max(2, candidate.utf8.count / 3), distance < best?.distance ?? .max {
      best = (candidate, distance)
    }
  }
  return best?.name
}

private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for row in 0..<left.count {
    var current = [row + 1]
    for column in 0..<right.count {
      var cost = last[column] + (left[row] == right[column] ? 0 : 1)
      cost = min(cost, last[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        cost = min(cost, beforeLast[column - 1] + 1)
      }
      current.append(cost)
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
