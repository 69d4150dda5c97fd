#pragma once
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// What Swift cannot import: variadic functions and macros.

/// A new key pair on P-256, named by its curve.
static inline EVP_PKEY *kontor_crypto_new_p256_key(void) { return EVP_EC_gen("P-256"); }

/// The bytes in a memory BIO; they live as long as it does.
static inline size_t kontor_crypto_memory(BIO *memory, const char **bytes) {
  char *start = NULL;
  long count = BIO_get_mem_data(memory, &start);
  *bytes = start;
  return count > 0 ? (size_t)count : 0;
}

/// Adds an extension written as in OpenSSL's configuration files; 1 on success.
static inline int kontor_crypto_add_extension(
    X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (!extension) return 0;
  int result = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return result;
}
