extension FuzzTarget {
  /// What a server sends to a client, within TLS: the real connection of a real channel with calls
  /// of each kind, retries and deadlines, on channels in memory. Byte 0 chooses the cut. Frames of
  /// the types in ``ClientEvent`` are not sent: they say what else happens.
  static let client = FuzzTarget(
    name: "client", maximumBytes: 4096, seeds: { try ClientSeeds.all() },
    run: { bytes in
      var input = FuzzInput(bytes)
      let cut = input.byte()
      let run = try ClientRun()
      try run.run(input.rest, cut: cut)
      try run.end()
    })
}
