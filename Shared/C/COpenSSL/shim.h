#pragma once
/* Inline wrappers for what Swift cannot import: macros and typed stacks of OpenSSL 3. */
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline int kontor_ctx_minimum_tls12(SSL_CTX *context) {
  return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}
static inline int kontor_ctx_maximum_tls12(SSL_CTX *context) {
  return (int)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
}
static inline int kontor_ctx_groups(SSL_CTX *context, const char *list) {
  return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline void kontor_ctx_modes(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}
static inline void kontor_ctx_options(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}
/* A server keeps no sessions: clients keep tickets. A client's sessions go to the callback only. */
static inline void kontor_ctx_session_cache(SSL_CTX *context, int is_server) {
  SSL_CTX_set_session_cache_mode(
      context, is_server ? SSL_SESS_CACHE_OFF
                         : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}
/* Keys a ticket's MAC with HMAC-SHA256. */
static inline int kontor_ticket_mac(EVP_MAC_CTX *mac, const unsigned char *key, size_t size) {
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, size),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params);
}
static inline void kontor_ctx_client_authorities(SSL_CTX *context, STACK_OF(X509_NAME) *names) {
  SSL_CTX_set_client_CA_list(context, names);
}
static inline int kontor_set_server_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline int kontor_set_peer_address(SSL *ssl, const char *address) {
  return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address);
}
static inline int kontor_bio_is_flush(int command) { return command == BIO_CTRL_FLUSH; }
static inline void kontor_bio_retry_read(BIO *bio) {
  BIO_clear_retry_flags(bio);
  BIO_set_retry_read(bio);
}
static inline void kontor_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

/* The ALPN protocol h2 in wire form must be offered at all: the selection callback is not asked
   when a client sends no ALPN extension. */
static inline int kontor_require_alpn(SSL *ssl, int *alert, void *argument) {
  const unsigned char *bytes;
  size_t size;
  (void)argument;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes,
                                &size) == 1)
    return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}
static inline void kontor_ctx_require_alpn(SSL_CTX *context) {
  SSL_CTX_set_client_hello_cb(context, kontor_require_alpn, NULL);
}
/* A key with a pass phrase is refused instead of asking a terminal for it. */
static inline int kontor_no_passphrase(char *buffer, int size, int writing, void *argument) {
  (void)buffer;
  (void)size;
  (void)writing;
  (void)argument;
  return -1;
}
static inline void kontor_ctx_no_passphrase(SSL_CTX *context) {
  SSL_CTX_set_default_passwd_cb(context, kontor_no_passphrase);
}

/* The subjectAltName entries of a certificate; free with kontor_names_free. */
static inline GENERAL_NAMES *kontor_names(X509 *certificate) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int kontor_names_count(const GENERAL_NAMES *names) {
  return sk_GENERAL_NAME_num(names);
}
/* The bytes of entry `index` when it is a DNS name, else NULL. */
static inline const unsigned char *kontor_names_dns(const GENERAL_NAMES *names, int index,
                                                    int *size) {
  const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
  if (name == NULL || name->type != GEN_DNS) return NULL;
  *size = ASN1_STRING_length(name->d.dNSName);
  return ASN1_STRING_get0_data(name->d.dNSName);
}
static inline void kontor_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
static inline int kontor_error_is_key_mismatch(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH;
}
