/* Runs a command and says what it cost: peer_run OUTPUT COMMAND [ARGS...]
 *
 * Writes one JSON object to the file OUTPUT: wall and CPU time of the command and its children, the
 * greatest resident size of any of them, and, read when the command itself exits, its own
 * high-water mark and resident size. Takes the command's exit status (128 + n for signal n).
 *
 * Small and statically linked, for two reasons: Linux counts what was resident before exec into
 * ru_maxrss, which a larger starter would show as the command's own; and PEER_PRELOAD becomes
 * LD_PRELOAD only for the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec * 1e-6; }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run_command(char** command) {
  const char* const preload = getenv("PEER_PRELOAD");
  if (preload != NULL && setenv("LD_PRELOAD", preload, 1) != 0) _exit(127);
  unsetenv("PEER_PRELOAD");
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) raise(SIGSTOP);
  execvp(command[0], command);
  fprintf(stderr, "peer_run: %s: %s\n", command[0], strerror(errno));
  _exit(127);
}

/* A field in KiB of a file of /proc/PID; -1 if there is none. */
static long proc_kib(pid_t pid, const char* file, const char* field) {
  char line[256];
  snprintf(line, sizeof line, "/proc/%d/%s", (int)pid, file);
  FILE* const stream = fopen(line, "r");
  long result = -1;
  while (stream != NULL && fgets(line, sizeof line, stream) != NULL)
    if (strncmp(line, field, strlen(field)) == 0) result = strtol(line + strlen(field), NULL, 10);
  if (stream != NULL) fclose(stream);
  return result;
}

struct peak {
  long high_water_kib;
  long at_exit_kib;
};

/* Follows the command until it is gone; passes its signals on. Returns its wait status. */
static int follow(pid_t pid, struct peak* peak, struct rusage* usage) {
  int status = 0;
  int exec_seen = 0;
  while (wait4(pid, &status, 0, usage) == pid) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) return status;
    long signal_to_pass = WSTOPSIG(status);
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
      peak->high_water_kib = proc_kib(pid, "status", "VmHWM:");
      peak->at_exit_kib = proc_kib(pid, "smaps_rollup", "Rss:");
      signal_to_pass = 0;
    } else if (signal_to_pass == SIGSTOP && !exec_seen) {
      ptrace(PTRACE_SETOPTIONS, pid, NULL,
             PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
      exec_seen = 1;
      signal_to_pass = 0;
    } else if (status >> 16 != 0) {
      signal_to_pass = 0;
    }
    ptrace(PTRACE_CONT, pid, NULL, signal_to_pass);
  }
  perror("peer_run: wait4");
  exit(1);
}

int main(int count, char** words) {
  if (count < 3) {
    fputs("usage: peer_run OUTPUT COMMAND [ARGS...]\n", stderr);
    return 2;
  }
  const double start = now();
  const pid_t pid = fork();
  if (pid < 0) {
    perror("peer_run: fork");
    return 1;
  }
  if (pid == 0) run_command(words + 2);
  struct peak peak = {-1, -1};
  struct rusage usage;
  const int status = follow(pid, &peak, &usage);
  const double wall = now() - start;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  FILE* const output = fopen(words[1], "w");
  if (output == NULL ||
      fprintf(output,
              "{\"wall_s\": %.6f, \"user_s\": %.6f, \"system_s\": %.6f, \"max_rss_kib\": %ld, "
              "\"high_water_kib\": %ld, \"at_exit_kib\": %ld, \"exit_status\": %d}\n",
              wall, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss,
              peak.high_water_kib, peak.at_exit_kib, code) < 0 ||
      fclose(output) != 0) {
    perror("peer_run: output");
    return 1;
  }
  return code;
}
