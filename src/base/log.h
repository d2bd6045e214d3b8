/*
 * Chatter on stderr. Library code never says anything above debug: what matters goes up as an error,
 * and a command prints it. `log_notice` is for commands that have something to tell beside their result.
 */
#pragma once

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTICE, LOG_DEBUG };

/* LOG_NOTICE until set; --debug sets LOG_DEBUG, --quiet LOG_WARN. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
