internal import CommonAPI
internal import Glibc
internal import IdentityAPI
internal import Logging
internal import NIOPosix
internal import RPCCore
internal import RPCTransport
internal import ShopAPI
internal import TLS

// The main job over the generated client stubs: sign up by ordering, top up, pay, renew.

guard let arguments = Arguments(CommandLine.arguments) else {
  print("usage: path-client --endpoint HOST:PORT --authority FILE --mails FOLDER")
  exit(2)
}

do {
  let credentials = try TLSClientCredentials(authorityFile: arguments.authority)
  let channel = RPCChannel(
    target: arguments.endpoint, tls: credentials, serverName: arguments.endpoint.host,
    group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "path-client"))
  let customer = Customer(channel: channel, mailbox: Mailbox(folder: arguments.mails))

  let signUp = try await customer.signUp()
  print("signed up: organization \(signUp.organizationID), order \(signUp.orderID)")

  let options = try await customer.signIn()
  guard let total = signUp.quote?.totals?.total else { throw Unexpected("no total") }
  var amount = total
  amount.minorUnits = total.minorUnits * 2
  try await customer.topUp(amount, options)
  guard try await customer.balance(options) == amount.minorUnits else {
    throw Unexpected("the top-up was not credited once")
  }
  print("topped up \(amount.minorUnits) \(amount.currencyCode) centimes")

  let order = try await customer.pay(order: signUp.orderID, options)
  print("paid: invoice \(order.invoiceID), products \(order.productIDs.joined(separator: ", "))")
  guard let product = order.productIDs.first else { throw Unexpected("no product") }

  let renewed = try await customer.renew(product: product, options)
  print("renewed: \(renewed.displayName)")

  let balance = try await customer.balance(options)
  guard try await customer.statementSum(options) == balance else {
    throw Unexpected("the statement does not add up to the balance")
  }
  print("balance: \(balance) centimes, as the statement says")
  await channel.close()
} catch {
  print("the path is broken: \(error)")
  exit(1)
}
