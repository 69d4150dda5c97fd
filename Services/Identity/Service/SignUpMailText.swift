internal import IdentityDomain

/// The words of sign-up mails, in every language (NOTE-1).
struct SignUpMailText: Sendable, Hashable {
  let subject: String
  let body: String

  /// The mail with a code.
  static func code(_ code: String, _ language: Language) -> SignUpMailText {
    switch language {
    case .english:
      SignUpMailText(
        subject: "Your confirmation code",
        body: """
          Hello

          You have placed an order with this address. To open your account, enter this code:

          \(code)

          The code works for one hour. If it was not you, ignore this mail: without the code
          nothing happens.
          """)
    case .german:
      SignUpMailText(
        subject: "Ihr Bestätigungscode",
        body: """
          Guten Tag

          Mit dieser Adresse wurde eine Bestellung aufgegeben. Um Ihr Konto zu eröffnen, geben Sie
          diesen Code ein:

          \(code)

          Der Code gilt eine Stunde. Wenn Sie das nicht waren, beachten Sie diese Nachricht nicht:
          Ohne den Code geschieht nichts.
          """)
    case .french:
      SignUpMailText(
        subject: "Votre code de confirmation",
        body: """
          Bonjour

          Une commande a été passée avec cette adresse. Pour ouvrir votre compte, saisissez ce code :

          \(code)

          Le code est valable une heure. Si ce n’était pas vous, ignorez ce message : sans le code,
          il ne se passe rien.
          """)
    case .italian:
      SignUpMailText(
        subject: "Il suo codice di conferma",
        body: """
          Buongiorno

          Con questo indirizzo è stato effettuato un ordine. Per aprire il suo conto, inserisca
          questo codice:

          \(code)

          Il codice vale un’ora. Se non è stato lei, ignori questo messaggio: senza il codice non
          succede nulla.
          """)
    }
  }

  /// The mail to an address that has an account (ID-8).
  static func accountExists(_ language: Language) -> SignUpMailText {
    switch language {
    case .english:
      SignUpMailText(
        subject: "You have an account already",
        body: """
          Hello

          Somebody, perhaps you, has tried to open an account with this address. It has one already:
          sign in with it and place the order there.

          If it was not you, there is nothing to do.
          """)
    case .german:
      SignUpMailText(
        subject: "Sie haben bereits ein Konto",
        body: """
          Guten Tag

          Jemand, vielleicht Sie selbst, wollte mit dieser Adresse ein Konto eröffnen. Es besteht
          bereits eines: Melden Sie sich damit an und geben Sie die Bestellung dort auf.

          Wenn Sie das nicht waren, ist nichts zu tun.
          """)
    case .french:
      SignUpMailText(
        subject: "Vous avez déjà un compte",
        body: """
          Bonjour

          Quelqu’un, peut-être vous, a voulu ouvrir un compte avec cette adresse. Elle en a déjà un :
          connectez-vous et passez la commande depuis ce compte.

          Si ce n’était pas vous, il n’y a rien à faire.
          """)
    case .italian:
      SignUpMailText(
        subject: "Ha già un conto",
        body: """
          Buongiorno

          Qualcuno, forse lei, ha voluto aprire un conto con questo indirizzo. Ne ha già uno: acceda
          con quello ed effettui lì l’ordine.

          Se non è stato lei, non c’è nulla da fare.
          """)
    }
  }
}
