private import COpenSSL
internal import Glibc

// Every call into OpenSSL is in this file, so that nothing comes between a call and the reading of
// its error queue. The queue is cleared before each call that can fill it.

/// An `SSL_CTX`.
///
/// `@unchecked Sendable`: configured by one thread before it is shared; from then on OpenSSL counts
/// and locks what connections share.
@safe final class OpenSSLContext: @unchecked Sendable {
  fileprivate let context: OpaquePointer
  /// A server's; nil for a client.
  fileprivate let tickets: TicketKeys?
  /// A client's; nil for a server.
  fileprivate let sessions: SessionCache?

  /// - Parameter tickets: makes it a server's.
  init(tickets: TicketKeys?, maximumVersion: TLSVersion) throws(TLSError) {
    let isServer = tickets != nil
    self.tickets = tickets
    sessions = isServer ? nil : SessionCache()
    ERR_clear_error()
    guard let context = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method())
    else { throw OpenSSL.failure(.library, "TLS is not available") }
    unsafe self.context = context
    var done = unsafe kontor_ctx_minimum_tls12(context) == 1
    if maximumVersion == .tls12 { done = unsafe kontor_ctx_maximum_tls12(context) == 1 && done }
    done = unsafe SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 && done
    done =
      unsafe SSL_CTX_set_ciphersuites(
        context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1
      && done
    done = unsafe kontor_ctx_groups(context, "X25519:P-256") == 1 && done
    guard done else { throw OpenSSL.failure(.library, "TLS cannot be set up") }
    unsafe kontor_ctx_modes(context)
    unsafe kontor_ctx_options(context)
    unsafe kontor_ctx_no_passphrase(context)
    unsafe kontor_ctx_session_cache(context, isServer ? 1 : 0)
    unsafe SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque())
    if isServer {
      unsafe configureServer(context)
      unsafe configureTickets(context)
    } else {
      unsafe SSL_CTX_sess_set_new_cb(context) { ssl, session in
        guard let session = unsafe session,
          let connection = unsafe SSL_get_ex_data(ssl, 0)
        else { return 0 }
        unsafe Unmanaged<OpenSSLConnection>.fromOpaque(connection)._withUnsafeGuaranteedRef {
          unsafe $0.keep(OpenSSLSession(session))
        }
        return 1
      }
      let protocols: [UInt8] = [2, 0x68, 0x32]
      guard unsafe SSL_CTX_set_alpn_protos(context, protocols, UInt32(protocols.count)) == 0
      else { throw OpenSSL.failure(.library, "ALPN cannot be set up") }
      unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    }
  }

  deinit { unsafe SSL_CTX_free(context) }

  private func configureServer(_ context: OpaquePointer) {
    unsafe kontor_ctx_require_alpn(context)
    unsafe SSL_CTX_set_alpn_select_cb(
      context,
      { _, chosen, chosenSize, offered, offeredSize, _ in
        guard let offered = unsafe offered, let chosen = unsafe chosen,
          let chosenSize = unsafe chosenSize
        else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        var index = 0
        let count = Int(offeredSize)
        while index < count {
          let size = Int(unsafe offered[index])
          if size == 2, index + 2 < count, unsafe offered[index + 1] == 0x68,
            unsafe offered[index + 2] == 0x32
          {
            unsafe chosen.pointee = offered + index + 1
            unsafe chosenSize.pointee = 2
            return SSL_TLSEXT_ERR_OK
          }
          index += size + 1
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
      }, nil)
    // One ticket per handshake; sessions of client certificates need a context id to resume.
    unsafe SSL_CTX_set_num_tickets(context, 1)
    let name: [UInt8] = Array("kontor".utf8)
    unsafe SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
  }

  private func configureTickets(_ context: OpaquePointer) {
    unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context) {
      ssl, name, initialVector, cipher, mac, isNew in
      guard let owner = unsafe OpenSSLContext.owner(of: ssl), let tickets = owner.tickets,
        let name = unsafe name, let initialVector = unsafe initialVector
      else { return -1 }
      if isNew != 0 {
        guard let key = try? tickets.current(),
          unsafe RAND_bytes(initialVector, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1
        else { return -1 }
        unsafe name.update(from: key.name, count: TicketKeys.Key.nameBytes)
        guard
          unsafe EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipherKey, initialVector)
            == 1, unsafe kontor_ticket_mac(mac, key.macKey, key.macKey.count) == 1
        else { return -1 }
        return 1
      }
      let asked = unsafe UnsafeBufferPointer(start: name, count: TicketKeys.Key.nameBytes)
      // 0: a full handshake; 2: resumed, with a new ticket.
      guard let (key, isCurrent) = unsafe tickets.find(asked) else { return 0 }
      guard
        unsafe EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipherKey, initialVector)
          == 1, unsafe kontor_ticket_mac(mac, key.macKey, key.macKey.count) == 1
      else { return -1 }
      // TLS 1.3's tickets are used once: the next connection needs one, too.
      return unsafe isCurrent && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2
    }
    // A ticket stands for the client certificate of its first handshake: that is verified again.
    unsafe SSL_CTX_set_session_ticket_cb(
      context, nil,
      { ssl, session, _, _, status, _ in
        guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
          unsafe OpenSSLContext.accepts(session, of: ssl)
        else { return SSL_TICKET_RETURN_IGNORE_RENEW }
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
      }, nil)
  }

  /// The Swift object of a connection's context.
  private static func owner(of ssl: OpaquePointer?) -> OpenSSLContext? {
    guard let ssl = unsafe ssl, let context = unsafe SSL_get_SSL_CTX(ssl),
      let owner = unsafe SSL_CTX_get_ex_data(context, 0)
    else { return nil }
    return unsafe Unmanaged<OpenSSLContext>.fromOpaque(owner).takeUnretainedValue()
  }

  /// True when a session's client would be accepted now: by the authorities and dates of today.
  private static func accepts(_ session: OpaquePointer?, of ssl: OpaquePointer?) -> Bool {
    guard let session = unsafe session, let ssl = unsafe ssl,
      let context = unsafe SSL_get_SSL_CTX(ssl)
    else { return false }
    guard unsafe SSL_CTX_get_verify_mode(context) & SSL_VERIFY_PEER != 0 else { return true }
    guard let certificate = unsafe SSL_SESSION_get0_peer(session),
      let verification = unsafe X509_STORE_CTX_new()
    else { return false }
    defer {
      unsafe X509_STORE_CTX_free(verification)
      ERR_clear_error()
    }
    return unsafe X509_STORE_CTX_init(
      verification, SSL_CTX_get_cert_store(context), certificate, nil) == 1
      && X509_STORE_CTX_set_default(verification, "ssl_client") == 1
      && X509_verify_cert(verification) == 1
  }

  func useCertificate(chainFile: String, keyFile: String) throws(TLSError) {
    try OpenSSL.checkReadable(chainFile, "certificate file")
    try OpenSSL.checkReadable(keyFile, "private key file")
    ERR_clear_error()
    guard unsafe SSL_CTX_use_certificate_chain_file(context, chainFile) == 1 else {
      throw OpenSSL.failure(.file, "certificate file \(chainFile) holds no usable PEM certificate")
    }
    ERR_clear_error()
    if unsafe SSL_CTX_use_PrivateKey_file(context, keyFile, SSL_FILETYPE_PEM) != 1 {
      if kontor_error_is_key_mismatch(ERR_peek_last_error()) != 0 {
        throw OpenSSL.mismatch(keyFile: keyFile, chainFile: chainFile)
      }
      throw OpenSSL.failure(
        .file, "private key file \(keyFile) holds no usable unencrypted PEM key")
    }
    ERR_clear_error()
    guard unsafe SSL_CTX_check_private_key(context) == 1 else {
      throw OpenSSL.mismatch(keyFile: keyFile, chainFile: chainFile)
    }
    try checkValidity(chainFile: chainFile)
  }

  private func checkValidity(chainFile: String) throws(TLSError) {
    guard let certificate = unsafe SSL_CTX_get0_certificate(context) else { return }
    let end = unsafe X509_get0_notAfter(certificate)
    let start = unsafe X509_get0_notBefore(certificate)
    if unsafe X509_cmp_current_time(end) < 0 {
      throw TLSError(
        .validity,
        unsafe "certificate file \(chainFile) expired\(OpenSSL.date(end)); issue a new certificate")
    }
    if unsafe X509_cmp_current_time(start) > 0 {
      throw TLSError(
        .validity,
        unsafe "certificate file \(chainFile) is not valid before its start\(OpenSSL.date(start))")
    }
  }

  func trust(authorityFile: String) throws(TLSError) {
    try OpenSSL.checkReadable(authorityFile, "authority file")
    ERR_clear_error()
    guard unsafe SSL_CTX_load_verify_file(context, authorityFile) == 1 else {
      throw OpenSSL.failure(.file, "authority file \(authorityFile) holds no PEM certificate")
    }
  }

  func requireClientCertificates(authorityFile: String) throws(TLSError) {
    try trust(authorityFile: authorityFile)
    ERR_clear_error()
    guard let names = unsafe SSL_load_client_CA_file(authorityFile) else {
      throw OpenSSL.failure(.file, "authority file \(authorityFile) holds no PEM certificate")
    }
    unsafe kontor_ctx_client_authorities(context, names)
    unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
  }
}

/// A session that a client can resume.
///
/// `@unchecked Sendable`: not changed by us; OpenSSL counts its references with locks.
@safe final class OpenSSLSession: @unchecked Sendable {
  fileprivate let session: OpaquePointer

  /// Takes the reference over.
  fileprivate init(_ session: OpaquePointer) { unsafe self.session = session }

  deinit { unsafe SSL_SESSION_free(session) }

  /// True when its ticket is meant for one use.
  var isSingleUse: Bool { unsafe SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION }

  /// False once the certificate that the server showed has expired: resuming would not show it
  /// again.
  var isValid: Bool {
    guard let certificate = unsafe SSL_SESSION_get0_peer(session) else { return false }
    return unsafe X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0
  }
}

/// What a call on a connection came to.
enum OpenSSLResult: Sendable, Hashable {
  /// Bytes moved; 0 for a handshake that is complete.
  case done(Int)
  /// More ciphertext is needed.
  case wantsInput
  /// The peer sent close_notify.
  case closed
  case failed(TLSError)
}

/// An `SSL` with memory at both ends.
///
/// Not Sendable: confined to the event loop of its connection.
@safe final class OpenSSLConnection {
  private let ssl: OpaquePointer
  /// Callbacks reach it through the `SSL`.
  private let context: OpenSSLContext
  private let isServer: Bool
  private let serverName: String?

  // Ciphertext lent to the BIO while a call runs.
  private var input: UnsafePointer<UInt8>?
  private(set) var inputSize = 0
  // Ciphertext that the BIO has written.
  private var output: UnsafeMutablePointer<UInt8>?
  private var outputCapacity = 0
  private(set) var outputSize = 0

  init(context: OpenSSLContext, serverName: String?) throws(TLSError) {
    ERR_clear_error()
    guard let ssl = unsafe SSL_new(context.context) else {
      throw OpenSSL.failure(.library, "a TLS connection cannot be made")
    }
    guard let method = unsafe OpenSSL.memory.method, let bio = unsafe BIO_new(method) else {
      unsafe SSL_free(ssl)
      throw OpenSSL.failure(.library, "a TLS connection cannot be made")
    }
    unsafe self.ssl = ssl
    self.context = context
    isServer = serverName == nil
    self.serverName = serverName
    unsafe SSL_set_bio(ssl, bio, bio)
    unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    if let serverName {
      unsafe SSL_set_connect_state(ssl)
      try expect(serverName)
      if let session = context.sessions?.take(for: serverName) {
        unsafe SSL_set_session(ssl, session.session)
      }
    } else {
      unsafe SSL_set_accept_state(ssl)
    }
  }

  deinit {
    // A connection that was merely lost leaves a session that is as good as before.
    unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    unsafe SSL_free(ssl)
    unsafe output?.deallocate()
  }

  /// Sets the name or address that the server's certificate must carry.
  private func expect(_ serverName: String) throws(TLSError) {
    ERR_clear_error()
    if unsafe kontor_set_peer_address(ssl, serverName) == 1 { return }
    ERR_clear_error()
    unsafe SSL_set_hostflags(
      ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    guard unsafe kontor_set_server_name(ssl, serverName) == 1,
      unsafe SSL_set1_host(ssl, serverName) == 1
    else { throw OpenSSL.failure(.library, "\(serverName) is not a server name") }
  }

  // MARK: Moving bytes

  /// Lends ciphertext for the time of `body`; what is not read by then is dropped.
  func withInput<R>(_ bytes: UnsafeRawBufferPointer, _ body: () -> R) -> R {
    unsafe input = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    inputSize = bytes.count
    defer {
      unsafe input = nil
      inputSize = 0
    }
    return body()
  }

  func handshake() -> OpenSSLResult {
    ERR_clear_error()
    let result = unsafe SSL_do_handshake(ssl)
    return result == 1 ? .done(0) : outcome(of: result)
  }

  /// Decrypts into `room`.
  func read(into room: UnsafeMutableRawBufferPointer) -> OpenSSLResult {
    ERR_clear_error()
    var size = 0
    let result = unsafe SSL_read_ex(ssl, room.baseAddress, room.count, &size)
    return result == 1 ? .done(size) : outcome(of: result)
  }

  /// True when a read would find nothing: no ciphertext left and no decrypted bytes held.
  var isDrained: Bool { unsafe inputSize == 0 && SSL_pending(ssl) == 0 }

  /// Encrypts in records of up to 16 KiB.
  func write(_ bytes: UnsafeRawBufferPointer) -> OpenSSLResult {
    guard unsafe !bytes.isEmpty else { return .done(0) }
    ERR_clear_error()
    var size = 0
    let result = unsafe SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &size)
    return result == 1 ? .done(size) : outcome(of: result)
  }

  /// Writes close_notify.
  func shutdown() {
    ERR_clear_error()
    _ = unsafe SSL_shutdown(ssl)
    ERR_clear_error()
  }

  /// Ciphertext to send, valid until the next call.
  var pendingOutput: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: output, count: outputSize)
  }

  /// Forgets the output, and its memory beyond `limit` bytes.
  func dropOutput(keeping limit: Int) {
    outputSize = 0
    guard outputCapacity > limit else { return }
    unsafe output?.deallocate()
    unsafe output = nil
    outputCapacity = 0
  }

  private func outcome(of result: Int32) -> OpenSSLResult {
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .wantsInput
    case SSL_ERROR_ZERO_RETURN: return .closed
    default: return .failed(failure())
    }
  }

  private func failure() -> TLSError {
    let verification = unsafe SSL_get_verify_result(ssl)
    if verification != Int(X509_V_OK) {
      let reason = unsafe OpenSSL.text(X509_verify_cert_error_string(verification))
      ERR_clear_error()
      let whose = serverName.map { "certificate of \($0)" } ?? "client certificate"
      return TLSError(.untrustedPeer, "\(whose) is not accepted: \(reason)")
    }
    return OpenSSL.failure(.protocolFailure, isServer ? "TLS with a client" : "TLS with a server")
  }

  /// A session that the server gave; those of other connections may use it.
  fileprivate func keep(_ session: OpenSSLSession) {
    if let serverName { context.sessions?.put(session, for: serverName) }
  }

  // MARK: What was agreed

  /// True when an earlier session goes on.
  var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

  /// True when the peers agreed on `h2`.
  var hasSelectedHTTP2: Bool {
    var name: UnsafePointer<UInt8>?
    var size: UInt32 = 0
    unsafe SSL_get0_alpn_selected(ssl, &name, &size)
    guard let name = unsafe name, size == 2 else { return false }
    return unsafe name[0] == 0x68 && name[1] == 0x32
  }

  var version: TLSVersion { unsafe SSL_version(ssl) == TLS1_3_VERSION ? .tls13 : .tls12 }

  /// DNS names in the peer's verified certificate, lower case; at most 32.
  func peerNames() -> [String] {
    guard let certificate = unsafe SSL_get0_peer_certificate(ssl),
      unsafe SSL_get_verify_result(ssl) == Int(X509_V_OK),
      let names = unsafe kontor_names(certificate)
    else { return [] }
    defer { unsafe kontor_names_free(names) }
    var result: [String] = []
    for index in 0..<min(unsafe kontor_names_count(names), 32) {
      var size: Int32 = 0
      guard let bytes = unsafe kontor_names_dns(names, index, &size), size > 0, size <= 253
      else { continue }
      let name = unsafe UnsafeBufferPointer(start: bytes, count: Int(size))
      // Printable ASCII only: a NUL or a control character never comes from an honest authority.
      guard unsafe name.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { continue }
      result.append(unsafe String(decoding: name, as: UTF8.self).lowercased())
    }
    return result
  }

  // MARK: The BIO's two ends

  fileprivate func take(_ buffer: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
    guard inputSize > 0, let start = unsafe input else { return 0 }
    let size = min(count, inputSize)
    unsafe memcpy(buffer, start, size)
    unsafe input = start + size
    inputSize -= size
    return size
  }

  fileprivate func put(_ bytes: UnsafePointer<CChar>, _ count: Int) {
    let needed = outputSize + count
    if needed > outputCapacity {
      let capacity = max(needed, outputCapacity * 2, 4096)
      let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
      if let output = unsafe output {
        unsafe memcpy(memory, output, outputSize)
        unsafe output.deallocate()
      }
      unsafe output = memory
      outputCapacity = capacity
    }
    if let output = unsafe output { unsafe memcpy(output + outputSize, bytes, count) }
    outputSize = needed
  }
}

/// What belongs to no context or connection.
enum OpenSSL {
  /// The BIO method of every connection, made once.
  ///
  /// `@unchecked Sendable`: never changed after it was made.
  @safe final class MemoryMethod: @unchecked Sendable {
    fileprivate let method: OpaquePointer?

    init() {
      unsafe method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kontor memory")
      guard let method = unsafe method else { return }
      unsafe BIO_meth_set_create(method) { bio in
        unsafe BIO_set_init(bio, 1)
        return 1
      }
      unsafe BIO_meth_set_read(method) { bio, buffer, count in
        guard let owner = unsafe BIO_get_data(bio), let buffer = unsafe buffer, count > 0
        else { return -1 }
        let size = unsafe Unmanaged<OpenSSLConnection>.fromOpaque(owner)._withUnsafeGuaranteedRef {
          unsafe $0.take(buffer, Int(count))
        }
        if size == 0 {
          unsafe kontor_bio_retry_read(bio)
          return -1
        }
        unsafe kontor_bio_clear_retry(bio)
        return Int32(size)
      }
      unsafe BIO_meth_set_write(method) { bio, bytes, count in
        guard let owner = unsafe BIO_get_data(bio), let bytes = unsafe bytes, count > 0
        else { return -1 }
        unsafe kontor_bio_clear_retry(bio)
        unsafe Unmanaged<OpenSSLConnection>.fromOpaque(owner)._withUnsafeGuaranteedRef {
          unsafe $0.put(bytes, Int(count))
        }
        return count
      }
      unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in
        kontor_bio_is_flush(command) != 0 ? 1 : 0
      }
    }
  }

  static let memory = MemoryMethod()

  /// The error on top of the queue behind a prefix, on one line.
  static func failure(_ code: TLSError.Code, _ prefix: String) -> TLSError {
    let number = ERR_peek_last_error()
    defer { ERR_clear_error() }
    guard number != 0, let reason = unsafe ERR_reason_error_string(number) else {
      return TLSError(code, prefix)
    }
    return TLSError(code, "\(prefix): \(unsafe text(reason))")
  }

  /// Bytes that nobody can guess.
  static func random(_ count: Int) throws(TLSError) -> [UInt8] {
    ERR_clear_error()
    var bytes = [UInt8](repeating: 0, count: count)
    guard unsafe RAND_priv_bytes(&bytes, Int32(clamping: count)) == 1 else {
      throw failure(.library, "there is no randomness")
    }
    return bytes
  }

  static func mismatch(keyFile: String, chainFile: String) -> TLSError {
    ERR_clear_error()
    return TLSError(
      .keyMismatch, "private key file \(keyFile) does not match certificate file \(chainFile)")
  }

  static func checkReadable(_ path: String, _ what: String) throws(TLSError) {
    guard unsafe access(path, R_OK) != 0 else { return }
    throw TLSError(.file, "\(what) \(path) cannot be read: \(unsafe text(strerror(errno)))")
  }

  static func text(_ pointer: UnsafePointer<CChar>?) -> String {
    unsafe pointer.map { unsafe String(cString: $0) } ?? "unknown"
  }

  /// ` on 2031-02-28`, or nothing when the time cannot be read.
  fileprivate static func date(_ time: UnsafePointer<ASN1_TIME>?) -> String {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return "" }
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return unsafe " on \(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
  }
}
