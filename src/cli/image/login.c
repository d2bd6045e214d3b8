#include "base/cleanup.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "registry/auth_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct login_options {
	struct remote_words remote;
	const char *username, *password;
	bool password_stdin, get_login;
};

static const struct option login_table[] = {
	OPTION_STRING("username", 'u', struct login_options, username, "NAME", "as whom", NULL),
	OPTION_STRING("password", 'p', struct login_options, password, "PASSWORD",
		      "with this password; --password-stdin keeps it out of the list of processes", NULL),
	OPTION_FLAG("password-stdin", 0, struct login_options, password_stdin, "read the password from standard input"),
	OPTION_FLAG("get-login", 0, struct login_options, get_login, "say as whom we are logged in, and no more"),
	REMOTE_OPTIONS(struct login_options, remote),
	OPTION_END,
};

static const struct option logout_table[] = {
	OPTION_FLAG("all", 'a', struct login_options, get_login, "forget all logins of the file"),
	OPTION_STRING("authfile", 0, struct login_options, remote.authfile, "FILE", "logins are here", "file"),
	OPTION_END,
};

/* One line without its end, at most SIZE - 1 bytes. */
static int read_line(FILE *f, char *dst, size_t size, struct err *err)
{
	if (!fgets(dst, (int)size, f))
		return err_set(err, ENODATA, "the input ends before the login");
	if (!strchr(dst, '\n') && strlen(dst) + 1 == size)
		return err_set(err, E2BIG, "a login has at most %zu letters", size - 2);
	dst[strcspn(dst, "\r\n")] = '\0';
	return 0;
}

static int ask(const char *what, bool hidden, char *dst, size_t size, struct err *err)
{
	struct termios before, quiet;
	int r;

	if (!isatty(STDIN_FILENO)) {
		err_set(err, ENOTTY, "there is no terminal to ask for the %s at", what);
		return err_hint(err, "--username and --password-stdin");
	}
	fprintf(stderr, "%s: ", what);
	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return err_errno(err, errno, "ask for the %s", what);
	quiet = before;
	if (hidden)
		quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	r = read_line(stdin, dst, size, err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	if (hidden)
		fputc('\n', stderr);
	return r;
}

static int get_words(const struct login_options *o, char *name, char *password, size_t size, struct err *err)
{
	int r = 0;

	if (o->password && o->password_stdin)
		return err_set(err, EINVAL, "--password and --password-stdin exclude one another");
	if (o->password_stdin && !o->username)
		return err_set(err, EINVAL, "--password-stdin needs --username");
	if (o->username)
		snprintf(name, size, "%s", o->username);
	else
		r = ask("Username", false, name, size, err);
	if (r < 0)
		return r;
	if (o->password_stdin)
		return read_line(stdin, password, size, err);
	if (!o->password)
		return ask("Password", true, password, size, err);
	snprintf(password, size, "%s", o->password);
	return 0;
}

static int show_login(const struct login_options *o, const char *host, struct err *err)
{
	struct auth_login autologin login = { 0 };
	int r = auth_find(o->remote.authfile, host, NULL, &login, err);

	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, ENOENT, "not logged in to %s", host);
	puts(login.username ? login.username : "<token>");
	return 0;
}

/* The registry is asked before anything is kept. */
static int try_login(const struct login_options *o, const char *host, const char *name, const char *password,
		     struct err *err)
{
	struct remote_options options = remote_options_of(&o->remote);
	autofree char *creds = str_format("%s:%s", name, password);
	struct remote autoremote remote = { 0 };
	int r;

	if (!creds)
		return err_oom(err);
	options.creds = creds;
	r = remote_open_host(&options, host, "", &remote, err);
	if (r >= 0)
		r = registry_check_login(remote.registry, err);
	explicit_bzero(creds, strlen(creds));
	return r;
}

static int run_login(const void *options, const struct strv *args, struct err *err)
{
	const struct login_options *o = options;
	const char *host = args->len > 0 ? args->items[0] : "docker.io";
	char name[512] = "", password[8192] = "";
	struct auth_login login = { .username = name, .password = password };
	int r;

	if (strchr(host, '/'))
		return err_set(err, EINVAL, "'%s' is no name of a registry: HOST[:PORT] is one", host);
	if (o->get_login)
		return show_login(o, host, err);
	r = get_words(o, name, password, sizeof(name), err);
	if (r >= 0 && strchr(name, ':'))
		r = err_set(err, EINVAL, "a name with a colon can't log in");
	if (r >= 0)
		r = try_login(o, host, name, password, err);
	if (r >= 0)
		r = auth_store(o->remote.authfile, host, &login, err);
	explicit_bzero(password, sizeof(password));
	if (r >= 0)
		puts("Login Succeeded");
	return r;
}

static int run_logout(const void *options, const struct strv *args, struct err *err)
{
	const struct login_options *o = options;
	const char *host = args->len > 0 ? args->items[0] : "docker.io";
	int r = auth_forget(o->remote.authfile, o->get_login ? NULL : host, err);

	if (r == 0 && !o->get_login)
		return err_set(err, ENOENT, "not logged in to %s", host);
	if (r >= 0)
		printf("Removed login credentials for %s\n", o->get_login ? "all registries" : host);
	return r < 0 ? r : 0;
}

const struct command cmd_login = {
	.name = "login",
	.group = "Registries",
	.summary = "log in to a registry, and keep the login",
	.usage = "[HOST[:PORT]]",
	.description =
		"The registry is asked whether it accepts the login; then it is kept where podman and docker keep "
		"theirs: --authfile, $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, or the credential "
		"helper that such a file names.",
	.examples = "$ cloche login -u me registry.example.org\n"
		    "$ cloche login -u me --password-stdin registry.example.org < password\n",
	.options = login_table,
	.options_size = sizeof(struct login_options),
	.max_args = 1,
	.run = run_login,
};

const struct command cmd_logout = {
	.name = "logout",
	.group = "Registries",
	.summary = "forget the login to a registry",
	.usage = "[HOST[:PORT]]",
	.options = logout_table,
	.options_size = sizeof(struct login_options),
	.max_args = 1,
	.run = run_logout,
};
