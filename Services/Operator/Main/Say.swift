internal import Bootstrap

/// Prints a line at once, also into a file or a pipe.
func say(_ text: String) {
  writeToStandardOutput("\(text)\n")
}
