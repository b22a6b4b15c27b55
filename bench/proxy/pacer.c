/* An open-loop load generator: requests fall due at random moments (Poisson) of a fixed rate, whatever the answers do.

   pacer HOST PORT FILE RATE CONNECTIONS SECONDS WARM SEED

   FILE holds the octets of one request. RATE 0 is closed loop: each connection asks again as soon as it has its answer.
   Prints one JSON object; times in microseconds. Understands answers with Content-Length, and chunked ones whose last
   chunk ends what was read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MOST 1024
#define ROOM 65536

struct connection {
  int fd;
  double due, from; /* when its request was due; the moment that latency counts from */
  size_t held;      /* octets of the answer so far, up to the end of the head */
  long left;        /* octets of the body that are missing; -1: head incomplete; -2: chunked */
  char octets[ROOM];
};

static struct connection all[MOST];
static int idle[MOST], idles, first_idle; /* a ring, so that each connection has its turn */
static char request[ROOM];
static size_t request_size;
static double *latency, *from_due, *lateness;
static size_t count, room, failed;
static double measured_from;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void release(int i) { idle[(first_idle + idles++) % MOST] = i; }

static struct connection *next_idle(void) {
  struct connection *c = &all[idle[first_idle]];
  first_idle = (first_idle + 1) % MOST;
  idles--;
  return c;
}

static void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static void ask(struct connection *c, double due, double from) {
  c->due = due;
  c->from = from;
  c->held = 0;
  c->left = -1;
  if (write(c->fd, request, request_size) != (ssize_t)request_size) die("write");
}

static void answered(struct connection *c, double at) {
  if (c->due < measured_from) return;
  if (count == room) {
    room = room ? room * 2 : 1 << 16;
    latency = realloc(latency, room * sizeof *latency);
    from_due = realloc(from_due, room * sizeof *from_due);
    if (!latency || !from_due) die("realloc");
  }
  latency[count] = at - c->from;
  from_due[count++] = at - c->due;
}

/* 1: the answer is complete */
static int take(struct connection *c) {
  for (;;) {
    ssize_t got = read(c->fd, c->octets + c->held, ROOM - 1 - c->held);
    if (got == 0) { errno = ECONNRESET; die("the proxy closed a connection"); }
    if (got < 0) {
      if (errno == EAGAIN) return 0;
      die("read");
    }
    if (c->left >= 0) {
      c->left -= got;
    } else {
      c->held += got;
      c->octets[c->held] = 0;
      if (c->left == -1) {
        char *end = strstr(c->octets, "\r\n\r\n");
        if (!end) {
          if (c->held >= ROOM - 1) { errno = EMSGSIZE; die("head"); }
          continue;
        }
        if (strncmp(c->octets + 8, " 200", 4)) failed++;
        char *length = strcasestr(c->octets, "\r\nContent-Length:");
        if (length && length < end) {
          c->left = atol(length + 17) - (long)(c->octets + c->held - end - 4);
          c->held = 0;
        } else {
          c->left = -2;
        }
      }
      if (c->left == -2) {
        if (c->held >= 5 && !memcmp(c->octets + c->held - 5, "0\r\n\r\n", 5)) return 1;
        if (c->held > ROOM / 2) { errno = EMSGSIZE; die("chunked body"); }
      }
    }
    if (c->left == 0) return 1;
  }
}

static int rising(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double share(const double *values, size_t n, double part) {
  return n ? values[(size_t)fmin((double)n - 1, floor(n * part))] * 1e6 : 0;
}

int main(int argc, char **argv) {
  if (argc != 9) { fprintf(stderr, "pacer HOST PORT FILE RATE CONNECTIONS SECONDS WARM SEED\n"); return 2; }
  double rate = atof(argv[4]), seconds = atof(argv[6]), warm = atof(argv[7]);
  int connections = atoi(argv[5]);
  if (connections < 1 || connections > MOST) { fprintf(stderr, "1 to %d connections\n", MOST); return 2; }
  srand48(atol(argv[8]));
  prctl(PR_SET_TIMERSLACK, 1);
  FILE *file = fopen(argv[3], "rb");
  if (!file || !(request_size = fread(request, 1, ROOM, file))) die(argv[3]);
  fclose(file);

  int poll = epoll_create1(0), on = 1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  inet_pton(AF_INET, argv[1], &to.sin_addr);
  for (int i = 0; i < connections; i++) {
    all[i].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(all[i].fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(all[i].fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
    release(i);
  }

  double begun = now(), end = begun + warm + seconds, due = begun;
  size_t lates = 0, lates_room = rate > 0 ? (size_t)(rate * (seconds + 1) * 1.2) + 1000 : 1;
  lateness = malloc(lates_room * sizeof *lateness);
  if (!lateness) die("malloc");
  measured_from = begun + warm;
  int waited = 0; /* the next due request has found no free connection */
  for (;;) {
    double t = now();
    if (t >= end) break;
    if (rate > 0) {
      while (due <= t) {
        if (!idles) { waited = 1; break; }
        ask(next_idle(), due, waited ? due : t);
        if (due >= measured_from && !waited && lates < lates_room) lateness[lates++] = t - due;
        due -= log(1 - drand48()) / rate;
        if (waited && due > t) waited = 0;
        t = now();
      }
    } else {
      while (idles) ask(next_idle(), t, t);
    }
    double wait = (rate > 0 && idles ? fmin(due, end) : end) - now();
    if (wait < 0) wait = 0;
    struct timespec timeout = {.tv_sec = (time_t)wait, .tv_nsec = (long)(fmod(wait, 1) * 1e9)};
    struct epoll_event events[64];
    int ready = epoll_pwait2(poll, events, 64, &timeout, NULL);
    for (int i = 0; i < ready; i++) {
      struct connection *c = &all[events[i].data.u32];
      if (take(c)) {
        answered(c, now());
        release(events[i].data.u32);
      }
    }
  }
  qsort(latency, count, sizeof *latency, rising);
  qsort(from_due, count, sizeof *from_due, rising);
  qsort(lateness, lates, sizeof *lateness, rising);
  printf("{\"requests\": %zu, \"seconds\": %.3f, \"failed\": %zu, \"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p999\": %.2f, "
         "\"most\": %.2f, \"due_p99\": %.2f, \"late_p50\": %.2f, \"late_p99\": %.2f}\n",
         count, seconds, failed, share(latency, count, .5), share(latency, count, .9), share(latency, count, .99),
         share(latency, count, .999), share(latency, count, 1), share(from_due, count, .99), share(lateness, lates, .5),
         share(lateness, lates, .99));
  return 0;
}
