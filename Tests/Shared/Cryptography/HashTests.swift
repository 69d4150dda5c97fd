import Testing

@testable import Cryptography

@Suite struct HashTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func `SHA-256 gives the vectors of FIPS 180`(_ text: String, _ hash: String) {
    #expect(Hex.encode(SHA256.hash(text)) == hash)
  }

  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131),
      Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ])
  func `HMAC gives the vectors of RFC 4231`(_ key: [UInt8], _ data: [UInt8], _ code: String) {
    let computed = HMACSHA256.code(for: data, key: key)
    #expect(Hex.encode(computed) == code)
    #expect(HMACSHA256.isValid(computed, for: data, key: key))
    #expect(!HMACSHA256.isValid(computed, for: data + [0], key: key))
    #expect(!HMACSHA256.isValid([], for: data, key: key))
  }

  @Test func `HKDF gives the first and third vector of RFC 5869`() {
    let secret = [UInt8](repeating: 0x0b, count: 22)
    let key = HKDFSHA256.derive(
      from: secret, salt: Array(0...12), info: Array(0xf0...0xf9), count: 42)
    #expect(
      Hex.encode(key)
        == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    #expect(
      Hex.encode(HKDFSHA256.derive(from: secret, info: "", count: 42))
        == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
  }

  @Test func `comparison in constant time compares`() {
    #expect(constantTimeEqual([], []))
    #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
    #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
    #expect(!constantTimeEqual([1, 2], [1, 2, 3]))
  }
}
