/* What h2load cannot do: many new connections with one call each, and many idle connections.

   usage: client calls PORT REQUEST COUNT CONCURRENCY  COUNT connections, each with a full handshake
                                                      and one Echo call
          client hold PORT COUNT                      opens COUNT connections, says so on a line,
                                                      and keeps them until its input ends */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SETTINGS = 4, HEADERS = 1, DATA = 0, END_STREAM = 1, END_HEADERS = 4, ACK = 1 };

typedef struct {
  int socket;
  SSL *ssl;
  bool is_open;
  uint8_t input[4096];
  size_t input_size;
} Connection;

static SSL_CTX *tls;
static int epoll_descriptor, port;
static bool holds;
static uint8_t request[1024];
static size_t request_size;
static int wanted, started, succeeded, failed;

static uint8_t *put_frame(uint8_t *to, uint8_t type, uint8_t flags, uint32_t stream,
                          const uint8_t *payload, size_t size) {
  const uint8_t head[9] = {(uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size, type, flags,
                           0, 0, 0, (uint8_t)stream};
  memcpy(to, head, sizeof head);
  if (size > 0) memcpy(to + sizeof head, payload, size);
  return to + sizeof head + size;
}

/* A literal header field that is not indexed (RFC 7541, 6.2.2). */
static uint8_t *put_field(uint8_t *to, const char *name, const char *value) {
  *to++ = 0;
  *to++ = (uint8_t)strlen(name);
  to = (uint8_t *)mempcpy(to, name, strlen(name));
  *to++ = (uint8_t)strlen(value);
  return (uint8_t *)mempcpy(to, value, strlen(value));
}

static void send_call(Connection *connection) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  uint8_t bytes[2048], headers[512], *end = headers;
  *end++ = 0x83; /* :method POST */
  *end++ = 0x87; /* :scheme https */
  end = put_field(end, ":path", "/kontor.benchmark.v1.EchoService/Echo");
  end = put_field(end, ":authority", "localhost");
  end = put_field(end, "content-type", "application/grpc");
  end = put_field(end, "te", "trailers");
  uint8_t *to = (uint8_t *)mempcpy(bytes, preface, sizeof preface - 1);
  to = put_frame(to, SETTINGS, 0, 0, NULL, 0);
  if (!holds) {
    to = put_frame(to, HEADERS, END_HEADERS, 1, headers, (size_t)(end - headers));
    to = put_frame(to, DATA, END_STREAM, 1, request, request_size);
  }
  SSL_write(connection->ssl, bytes, (int)(to - bytes));
}

static void start(void) {
  Connection *connection = calloc(1, sizeof *connection);
  int on = 1;
  if (connection == NULL) abort();
  started++;
  connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(connection->socket, (struct sockaddr *)&address, sizeof address) != 0 &&
      errno != EINPROGRESS) {
    perror("client");
    exit(1);
  }
  connection->ssl = SSL_new(tls);
  SSL_set_fd(connection->ssl, connection->socket);
  SSL_set_connect_state(connection->ssl);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
  epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, connection->socket, &event);
}

static void finish(Connection *connection, bool good) {
  *(good ? &succeeded : &failed) += 1;
  if (!holds || !good) {
    /* Reset, so that tens of thousands of closed connections do not keep their ports. */
    struct linger now = {1, 0};
    setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    SSL_set_quiet_shutdown(connection->ssl, 1);
    SSL_free(connection->ssl);
    close(connection->socket);
    free(connection);
  }
  if (started < wanted) start();
}

/* Reads the frames that are there: 1 when the call is answered (a held connection: when the
   server's SETTINGS have come), -1 when the connection failed, else 0. */
static int read_frames(Connection *connection) {
  for (;;) {
    int size = SSL_read(connection->ssl, connection->input + connection->input_size,
                        (int)(sizeof connection->input - connection->input_size));
    if (size <= 0) return SSL_get_error(connection->ssl, size) == SSL_ERROR_WANT_READ ? 0 : -1;
    connection->input_size += (size_t)size;
    size_t begin = 0;
    bool answered = false;
    while (connection->input_size - begin >= 9) {
      const uint8_t *frame = connection->input + begin;
      size_t length = (size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2];
      if (connection->input_size - begin < 9 + length) break;
      if (frame[3] == SETTINGS && !(frame[4] & ACK)) {
        uint8_t acknowledgement[9];
        put_frame(acknowledgement, SETTINGS, ACK, 0, NULL, 0);
        SSL_write(connection->ssl, acknowledgement, sizeof acknowledgement);
        answered = holds;
      }
      if (frame[3] == HEADERS && frame[8] == 1 && (frame[4] & END_STREAM)) answered = true;
      begin += 9 + length;
    }
    memmove(connection->input, connection->input + begin, connection->input_size - begin);
    connection->input_size -= begin;
    if (answered) return 1;
  }
}

static void event(Connection *connection) {
  ERR_clear_error();
  if (!connection->is_open) {
    int done = SSL_do_handshake(connection->ssl);
    if (done != 1) {
      int reason = SSL_get_error(connection->ssl, done);
      if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
        finish(connection, false);
      return;
    }
    connection->is_open = true;
    send_call(connection);
  }
  int result = read_frames(connection);
  if (result != 0) finish(connection, result > 0);
}

static bool read_request(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return false;
  request_size = fread(request, 1, sizeof request, file);
  fclose(file);
  return request_size > 0;
}

int main(int count, char **arguments) {
  int concurrency = 32;
  holds = count == 4 && strcmp(arguments[1], "hold") == 0;
  if (!holds && (count != 6 || strcmp(arguments[1], "calls") != 0 || !read_request(arguments[3]))) {
    fprintf(stderr, "usage: client calls PORT REQUEST COUNT CONCURRENCY | hold PORT COUNT\n");
    return 2;
  }
  port = atoi(arguments[2]);
  wanted = atoi(arguments[holds ? 3 : 4]);
  if (!holds) concurrency = atoi(arguments[5]);
  signal(SIGPIPE, SIG_IGN);
  tls = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
  SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_protos(tls, (const uint8_t *)"\2h2", 3);
  epoll_descriptor = epoll_create1(0);
  while (started < wanted && started < concurrency) start();
  while (succeeded + failed < wanted) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll_descriptor, events, 256, 10000);
    if (ready <= 0) {
      fprintf(stderr, "client: the server is silent after %d of %d\n", succeeded, wanted);
      return 1;
    }
    for (int i = 0; i < ready; i++) event(events[i].data.ptr);
  }
  printf("%d done, %d failed\n", succeeded, failed);
  fflush(stdout);
  while (holds && getchar() != EOF) continue;
  return failed > 0;
}
