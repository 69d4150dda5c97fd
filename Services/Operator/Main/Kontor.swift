internal import ArgumentParser
internal import Bootstrap
internal import Operator

/// The operator's command.
@main
struct Kontor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kontor",
    abstract: "Runs and looks after the services of Kontor.",
    version: ProductVersion.current,
    subcommands: [
      Up.self, Status.self, Down.self, Reset.self, Certificates.self, Check.self, Seal.self,
      Backup.self, Restore.self, DeadLetters.self,
    ],
    defaultSubcommand: nil)
}

/// What all commands on a local stack are told.
struct StackOptions: ParsableArguments {
  @Option(name: .long, help: "The folder that the stack keeps everything in.")
  var data = ".kontor"

  var folder: StackFolder { StackFolder(data) }
}
