/*
 * Programs that keep logins: docker-credential-NAME from $PATH, by docker's protocol (docker/docker-credential-helpers):
 * a verb as the only argument, what it is about on its standard input, JSON on its standard output.
 */
#pragma once

#include "registry/auth_file.h"

/* 1: found; 0: the helper knows none. Ends the helper after 60 seconds. */
int credential_helper_get(const char *name, const char *server, struct auth_login *ret, struct err *err);
int credential_helper_store(const char *name, const char *server, const struct auth_login *login, struct err *err);
/* 1: it had one; 0: it had none. */
int credential_helper_erase(const char *name, const char *server, struct err *err);
