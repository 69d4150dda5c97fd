/* The floor: how little processor time a single-threaded C server needs for the benchmark's calls
   over TLS 1.3, with epoll, OpenSSL, nghttp2 and protobuf-c and nothing else: no deadlines, no
   metadata, no limits but those of its buffers. Kept only to be measured against.

   usage: floor PORT CERTIFICATE KEY */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kontor/benchmark/v1/echo.pb-c.h"

typedef Kontor__Benchmark__V1__EchoRequest EchoRequest;
typedef Kontor__Benchmark__V1__EchoResponse EchoResponse;
typedef Kontor__Benchmark__V1__ListRequest ListRequest;
typedef Kontor__Benchmark__V1__ListResponse ListResponse;
typedef Kontor__Benchmark__V1__Item Item;
typedef Kontor__Benchmark__V1__Amount Amount;
typedef Kontor__Benchmark__V1__CountRequest CountRequest;

enum { REQUEST_LIMIT = 1024, LIST_LIMIT = 1000, OUTPUT_LIMIT = 64 * 1024, PREFIX = 5 };

typedef enum { UNKNOWN, ECHO, LIST, COUNT } Method;

typedef struct Stream {
  struct Stream *next_free;
  Method method;
  size_t request_size;
  uint8_t request[REQUEST_LIMIT];
  uint8_t *answer; /* kept for the next stream that uses this memory */
  size_t answer_size, answer_capacity, answer_sent;
  int32_t numbers_left, number; /* of a stream of answers */
} Stream;

typedef struct {
  int socket;
  SSL *ssl;
  nghttp2_session *session; /* NULL until the handshake is done */
  const uint8_t *frame;     /* what nghttp2 gave out and did not fit into `output` */
  size_t frame_size;
  uint8_t *output; /* plaintext that the socket did not take */
  size_t output_size;
  bool waits_for_socket;
} Connection;

static int epoll_descriptor;
static SSL_CTX *tls;
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;
static Stream *free_streams;
static uint8_t input[16 * 1024 + 1], output[OUTPUT_LIMIT];

/* Streams ------------------------------------------------------------------------------------ */

static Stream *stream_new(void) {
  Stream *stream = free_streams;
  if (stream == NULL) {
    stream = calloc(1, sizeof *stream);
    if (stream == NULL) abort();
  } else {
    free_streams = stream->next_free;
  }
  stream->method = UNKNOWN;
  stream->request_size = stream->answer_size = stream->answer_sent = 0;
  stream->numbers_left = 0;
  return stream;
}

static void stream_free(Stream *stream) {
  stream->next_free = free_streams;
  free_streams = stream;
}

static void pack(Stream *stream, ProtobufCMessage *message) {
  size_t size = protobuf_c_message_get_packed_size(message);
  if (size + PREFIX > stream->answer_capacity) {
    stream->answer_capacity = 2 * (size + PREFIX);
    stream->answer = realloc(stream->answer, stream->answer_capacity);
    if (stream->answer == NULL) abort();
  }
  uint8_t *prefix = stream->answer;
  prefix[0] = 0;
  for (int i = 0; i < 4; i++) prefix[1 + i] = (uint8_t)(size >> (24 - 8 * i));
  protobuf_c_message_pack(message, stream->answer + PREFIX);
  stream->answer_size = size + PREFIX;
  stream->answer_sent = 0;
}

/* Answers: each false when the request is not in order. ---------------------------------------- */

static bool echo(Stream *stream, const uint8_t *bytes, size_t size) {
  EchoRequest *request = kontor__benchmark__v1__echo_request__unpack(NULL, size, bytes);
  if (request == NULL) return false;
  EchoResponse answer = KONTOR__BENCHMARK__V1__ECHO_RESPONSE__INIT;
  answer.id = request->id;
  answer.text = request->text;
  answer.count = (int32_t)((uint32_t)request->count + 1);
  answer.time_us = request->time_us;
  answer.server = "benchmark-peer/0123456789-abcdef";
  pack(stream, &answer.base);
  kontor__benchmark__v1__echo_request__free_unpacked(request, NULL);
  return true;
}

static bool list(Stream *stream, const uint8_t *bytes, size_t size) {
  static Item items[LIST_LIMIT], *pointers[LIST_LIMIT];
  static Amount prices[LIST_LIMIT];
  ListRequest *request = kontor__benchmark__v1__list_request__unpack(NULL, size, bytes);
  if (request == NULL) return false;
  int32_t count = request->items;
  kontor__benchmark__v1__list_request__free_unpacked(request, NULL);
  if (count < 0 || count > LIST_LIMIT) return false;
  for (int32_t i = 0; i < count; i++) {
    kontor__benchmark__v1__item__init(&items[i]);
    kontor__benchmark__v1__amount__init(&prices[i]);
    prices[i].currency_code = "CHF";
    prices[i].minor_units = 12900 + i;
    items[i].id = "0190f5a0-7b5e-7c3a-9d61-3f0c5a8e1b2d";
    items[i].name = "Managed server, large";
    items[i].price = &prices[i];
    items[i].created_us = 1700000000000000;
    items[i].active = 1;
    pointers[i] = &items[i];
  }
  ListResponse answer = KONTOR__BENCHMARK__V1__LIST_RESPONSE__INIT;
  answer.items = pointers;
  answer.n_items = (size_t)count;
  pack(stream, &answer.base);
  return true;
}

static bool begin_count(Stream *stream, const uint8_t *bytes, size_t size) {
  CountRequest *request = kontor__benchmark__v1__count_request__unpack(NULL, size, bytes);
  if (request == NULL) return false;
  stream->numbers_left = request->messages;
  stream->number = 0;
  kontor__benchmark__v1__count_request__free_unpacked(request, NULL);
  return stream->numbers_left >= 0;
}

static void next_number(Stream *stream) {
  EchoResponse answer = KONTOR__BENCHMARK__V1__ECHO_RESPONSE__INIT;
  answer.id = "req-0123456789abcdef";
  answer.text = "hello gRPC benchmark world";
  answer.count = stream->number++;
  answer.time_us = 1700000000000;
  answer.server = "benchmark-peer/0123456789-abcdef";
  pack(stream, &answer.base);
  stream->numbers_left--;
}

/* HTTP/2 --------------------------------------------------------------------------------------- */

#define FIELD(name, value)                                                                  \
  { (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, sizeof(value) - 1,             \
    NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE }
static nghttp2_nv response_headers[] = {FIELD(":status", "200"),
                                        FIELD("content-type", "application/grpc")};
static nghttp2_nv success_trailers[] = {FIELD("grpc-status", "0")};
static nghttp2_nv refusal[] = {FIELD(":status", "200"), FIELD("content-type", "application/grpc"),
                               FIELD("grpc-status", "12")};

static ssize_t provide(nghttp2_session *session, int32_t id, uint8_t *room, size_t size,
                       uint32_t *flags, nghttp2_data_source *source, void *unused) {
  (void)unused;
  Stream *stream = source->ptr;
  size_t filled = 0;
  for (;;) {
    size_t part = stream->answer_size - stream->answer_sent;
    if (part > size - filled) part = size - filled;
    memcpy(room + filled, stream->answer + stream->answer_sent, part);
    stream->answer_sent += part;
    filled += part;
    if (stream->answer_sent < stream->answer_size || stream->numbers_left == 0) break;
    next_number(stream);
  }
  if (stream->answer_sent == stream->answer_size && stream->numbers_left == 0) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, success_trailers, 1);
  }
  return (ssize_t)filled;
}

static void answer(nghttp2_session *session, int32_t id, Stream *stream) {
  const uint8_t *bytes = stream->request;
  size_t size = stream->request_size;
  bool done = false;
  if (size >= PREFIX && bytes[0] == 0) {
    size_t length = (size_t)bytes[1] << 24 | bytes[2] << 16 | bytes[3] << 8 | bytes[4];
    if (length == size - PREFIX) {
      bytes += PREFIX;
      switch (stream->method) {
        case ECHO: done = echo(stream, bytes, length); break;
        case LIST: done = list(stream, bytes, length); break;
        case COUNT: done = begin_count(stream, bytes, length); break;
        case UNKNOWN: break;
      }
    }
  }
  if (!done) {
    nghttp2_submit_response(session, id, refusal, 3, NULL);
    return;
  }
  nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = provide};
  nghttp2_submit_response(session, id, response_headers, 2, &provider);
}

static int headers_began(nghttp2_session *session, const nghttp2_frame *frame, void *unused) {
  (void)unused;
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream_new());
  return 0;
}

static bool is(const uint8_t *bytes, size_t size, const char *text) {
  return size == strlen(text) && memcmp(bytes, text, size) == 0;
}

static int header_received(nghttp2_session *session, const nghttp2_frame *frame,
                           const uint8_t *name, size_t name_size, const uint8_t *value,
                           size_t value_size, uint8_t flags, void *unused) {
  (void)flags, (void)unused;
  if (!is(name, name_size, ":path")) return 0;
  Stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (stream == NULL) return 0;
  if (is(value, value_size, "/kontor.benchmark.v1.EchoService/Echo"))
    stream->method = ECHO;
  else if (is(value, value_size, "/kontor.benchmark.v1.EchoService/List"))
    stream->method = LIST;
  else if (is(value, value_size, "/kontor.benchmark.v1.EchoService/Count"))
    stream->method = COUNT;
  return 0;
}

static int data_received(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                         size_t size, void *unused) {
  (void)flags, (void)unused;
  Stream *stream = nghttp2_session_get_stream_user_data(session, id);
  if (stream == NULL) return 0;
  if (size > REQUEST_LIMIT - stream->request_size) return NGHTTP2_ERR_CALLBACK_FAILURE;
  memcpy(stream->request + stream->request_size, bytes, size);
  stream->request_size += size;
  return 0;
}

static int frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *unused) {
  (void)unused;
  if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
  if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  Stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (stream != NULL) answer(session, frame->hd.stream_id, stream);
  return 0;
}

static int stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *unused) {
  (void)code, (void)unused;
  Stream *stream = nghttp2_session_get_stream_user_data(session, id);
  if (stream != NULL) stream_free(stream);
  return 0;
}

static bool begin_session(Connection *connection) {
  if (nghttp2_session_server_new2(&connection->session, callbacks, connection, options) != 0)
    return false;
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20},
                                       {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  nghttp2_submit_settings(connection->session, 0, settings, 3);
  return true;
}

/* Connections ---------------------------------------------------------------------------------- */

static void wait_for_socket(Connection *connection, bool waits) {
  if (waits == connection->waits_for_socket) return;
  connection->waits_for_socket = waits;
  struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = connection};
  epoll_ctl(epoll_descriptor, EPOLL_CTL_MOD, connection->socket, &event);
}

static void end_connection(Connection *connection) {
  nghttp2_session_del(connection->session);
  SSL_free(connection->ssl);
  close(connection->socket);
  free(connection->output);
  free(connection);
}

/* Encrypts and writes `size` bytes of `bytes`; keeps what the socket does not take. */
static bool write_out(Connection *connection, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    int written = SSL_write(connection->ssl, bytes, size > 16384 ? 16384 : (int)size);
    if (written <= 0) {
      if (SSL_get_error(connection->ssl, written) != SSL_ERROR_WANT_WRITE) return false;
      uint8_t *kept = malloc(size);
      if (kept == NULL) return false;
      memcpy(kept, bytes, size);
      free(connection->output);
      connection->output = kept;
      connection->output_size = size;
      wait_for_socket(connection, true);
      return true;
    }
    bytes += written;
    size -= (size_t)written;
  }
  free(connection->output);
  connection->output = NULL;
  connection->output_size = 0;
  wait_for_socket(connection, false);
  return true;
}

static bool write_all(Connection *connection) {
  if (connection->output != NULL) {
    uint8_t *kept = connection->output;
    connection->output = NULL;
    bool done = write_out(connection, kept, connection->output_size);
    free(kept);
    if (!done) return false;
  }
  while (connection->output == NULL) {
    size_t size = 0;
    while (size < OUTPUT_LIMIT) {
      if (connection->frame_size == 0) {
        ssize_t made = nghttp2_session_mem_send(connection->session, &connection->frame);
        if (made < 0) return false;
        if (made == 0) break;
        connection->frame_size = (size_t)made;
      }
      size_t part = connection->frame_size;
      if (part > OUTPUT_LIMIT - size) part = OUTPUT_LIMIT - size;
      memcpy(output + size, connection->frame, part);
      connection->frame += part;
      connection->frame_size -= part;
      size += part;
    }
    if (size == 0) break;
    if (!write_out(connection, output, size)) return false;
  }
  return nghttp2_session_want_read(connection->session) ||
         nghttp2_session_want_write(connection->session);
}

static bool read_all(Connection *connection) {
  for (;;) {
    int size = SSL_read(connection->ssl, input, sizeof input);
    if (size <= 0) return SSL_get_error(connection->ssl, size) == SSL_ERROR_WANT_READ;
    if (nghttp2_session_mem_recv(connection->session, input, (size_t)size) < 0) return false;
    if (!SSL_has_pending(connection->ssl)) return true;
  }
}

static bool serve(Connection *connection) {
  ERR_clear_error();
  if (connection->session == NULL) {
    int done = SSL_accept(connection->ssl);
    if (done != 1) return SSL_get_error(connection->ssl, done) == SSL_ERROR_WANT_READ;
    if (!begin_session(connection)) return false;
  }
  return (connection->waits_for_socket || read_all(connection)) && write_all(connection);
}

static void accept_all(int listener) {
  int accepted, on = 1;
  while ((accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) abort();
    connection->socket = accepted;
    connection->ssl = SSL_new(tls);
    SSL_set_fd(connection->ssl, accepted);
    SSL_set_accept_state(connection->ssl);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, accepted, &event);
  }
}

/* Setting up ----------------------------------------------------------------------------------- */

static int select_protocol(SSL *ssl, const uint8_t **chosen, uint8_t *chosen_size,
                           const uint8_t *offered, unsigned int offered_size, void *unused) {
  (void)ssl, (void)unused;
  return SSL_select_next_proto((uint8_t **)chosen, chosen_size, (const uint8_t *)"\2h2", 3, offered,
                               offered_size) == OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool set_up_tls(const char *certificate, const char *key) {
  tls = SSL_CTX_new(TLS_server_method());
  if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
    return false;
  SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
  /* The ciphers, groups, tickets and buffers of the runtime that is measured. */
  SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384");
  SSL_CTX_set1_groups_list(tls, "X25519:P-256");
  SSL_CTX_set_num_tickets(tls, 1);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(tls, 1);
  SSL_CTX_set_default_read_buffer_len(tls, 64 * 1024);
  SSL_CTX_set_alpn_select_cb(tls, select_protocol, NULL);
  return true;
}

static void set_up_http2(void) {
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, headers_began);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, header_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_received);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
  nghttp2_option_new(&options);
  nghttp2_option_set_no_closed_streams(options, 1);
}

static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, 1024) != 0)
    return -1;
  return listener;
}

int main(int count, char **arguments) {
  if (count != 4 || !set_up_tls(arguments[2], arguments[3])) {
    fprintf(stderr, "usage: floor PORT CERTIFICATE KEY\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  set_up_http2();
  int listener = listen_on(atoi(arguments[1]));
  if (listener < 0) {
    perror("floor");
    return 1;
  }
  epoll_descriptor = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll_descriptor, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      Connection *connection = events[i].data.ptr;
      if (connection == NULL)
        accept_all(listener);
      else if (!serve(connection))
        end_connection(connection);
    }
  }
}
