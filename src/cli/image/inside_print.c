#include "cli/image/inside_print.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "cli/words.h"

#include <string.h>

enum { CREATED_BY_MAX = 400, LIBRARY_WIDTH = 20 };

static const char *text(json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static long long number(json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* What comes from an image may hold anything; a terminal must not obey it. */
static void put(FILE *f, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n' || c == '\t')
			fputc(' ', f);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

static void put_row(FILE *f, const char *label, const char *value)
{
	if (!*value)
		return;
	fprintf(f, "%-12s", label);
	put(f, value);
	fputc('\n', f);
}

static void put_list(FILE *f, const char *label, json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (json_is_string(item))
	{
		fprintf(f, "%-12s", i ? "" : label);
		put(f, json_string_value(item));
		fputc('\n', f);
	}
}

/* A command as JSON, so that its words can be told apart. */
static void put_command(FILE *f, const char *label, json_t *words)
{
	autofree char *line = words ? json_dumps(words, JSON_ENCODE_ANY) : NULL;

	if (line)
		put_row(f, label, line);
}

static void put_map(FILE *f, const char *label, json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach(map, key, value)
	{
		fprintf(f, "%-12s", label);
		put(f, key);
		fputc('=', f);
		put(f, json_is_string(value) ? json_string_value(value) : "");
		fputc('\n', f);
		label = "";
	}
}

static void print_identity(FILE *f, json_t *inside)
{
	size_t layers = json_array_size(json_object_get(inside, "Layers"));
	char size[16], since[48];

	put_row(f, "image", text(inside, "Image"));
	put_row(f, "ID", text(inside, "Id"));
	put_row(f, "for", text(inside, "Platform"));
	if (*text(inside, "Created")) {
		words_since(text(inside, "Created"), since);
		fprintf(f, "%-12s%s, %s\n", "created", text(inside, "Created"), since);
	}
	num_format_size((uint64_t)number(inside, "Size"), size);
	fprintf(f, "%-12s%s in %zu layer%s\n", "size", size, layers, layers == 1 ? "" : "s");
}

static void print_surroundings(FILE *f, json_t *inside)
{
	put_command(f, "entrypoint", json_object_get(inside, "Entrypoint"));
	put_command(f, "command", json_object_get(inside, "Cmd"));
	put_list(f, "environment", json_object_get(inside, "Env"));
	put_row(f, "user", *text(inside, "User") ? text(inside, "User") : "root");
	put_row(f, "works in", *text(inside, "WorkingDir") ? text(inside, "WorkingDir") : "/");
	put_list(f, "ports", json_object_get(inside, "ExposedPorts"));
	put_list(f, "volumes", json_object_get(inside, "Volumes"));
	put_row(f, "stopped by", text(inside, "StopSignal"));
	put_map(f, "labels", json_object_get(inside, "Labels"));
	put_list(f, "on build", json_object_get(inside, "OnBuild"));
}

static void print_files(FILE *f, json_t *list)
{
	json_t *file;
	size_t i;

	json_array_foreach(list, i, file)
	{
		const char *link = text(file, "Link");

		fprintf(f, "     %s %s %lld:%lld %10lld  ", text(file, "Type"), text(file, "Mode"), number(file, "Uid"),
			number(file, "Gid"), number(file, "Size"));
		put(f, text(file, "Path"));
		if (*link)
			fputs(" -> ", f);
		put(f, link);
		fputc('\n', f);
	}
}

static void print_largest(FILE *f, json_t *list)
{
	json_t *file;
	size_t i;

	json_array_foreach(list, i, file)
	{
		char size[16];

		num_format_size((uint64_t)number(file, "Size"), size);
		fprintf(f, "     %8s  ", size);
		put(f, text(file, "Path"));
		fputc('\n', f);
	}
}

static void put_count(FILE *f, long long n, const char *one, const char *many)
{
	if (n)
		fprintf(f, ", %lld %s", n, n == 1 ? one : many);
}

static void print_layer(FILE *f, json_t *layer)
{
	const char *by = *text(layer, "CreatedBy") ? text(layer, "CreatedBy") : text(layer, "Comment");
	autofree char *cut = words_ellipsis(by, CREATED_BY_MAX);
	char size[16], blob[16];

	num_format_size((uint64_t)number(layer, "Size"), size);
	num_format_size((uint64_t)number(layer, "BlobSize"), blob);
	fprintf(f, "\n%3lld  %.19s  %s", number(layer, "Number"), text(layer, "DiffId"), size);
	put_count(f, number(layer, "Files"), "file", "files");
	put_count(f, number(layer, "Folders"), "folder", "folders");
	put_count(f, number(layer, "Links"), "link", "links");
	put_count(f, number(layer, "Deleted"), "deletion", "deletions");
	fprintf(f, "; stored as %s\n     ", blob);
	put(f, cut && *cut ? cut : "(no instruction is recorded)");
	fputc('\n', f);
	if (json_object_get(layer, "FileList"))
		print_files(f, json_object_get(layer, "FileList"));
	else
		print_largest(f, json_object_get(layer, "Largest"));
}

static void print_libraries(FILE *f, json_t *libraries)
{
	json_t *library;
	size_t i;

	json_array_foreach(libraries, i, library)
	{
		const char *path = text(library, "Path");

		fprintf(f, "%-12s", i ? "" : "libraries");
		put(f, text(library, "Name"));
		fprintf(f, "%*s", LIBRARY_WIDTH - (int)strnlen(text(library, "Name"), LIBRARY_WIDTH), "");
		fputs(*path ? "  " : "  MISSING, needed by ", f);
		put(f, *path ? path : text(library, "NeededBy"));
		fputc('\n', f);
	}
}

/* How many entries the whole image has; a program that is static and alone needs no user space at all. */
static long long count_files(json_t *inside)
{
	long long n = 0;
	json_t *layer;
	size_t i;

	json_array_foreach(json_object_get(inside, "Layers"), i, layer) n +=
		number(layer, "Files") + number(layer, "Links");
	return n;
}

static void print_program(FILE *f, json_t *inside, json_t *program)
{
	json_t *script;
	size_t i;

	json_array_foreach(json_object_get(program, "Scripts"), i, script)
	{
		fprintf(f, "%-12s", i ? "" : "script");
		put(f, text(script, "Path"));
		fputs(", run by ", f);
		put(f, text(script, "Interpreter"));
		fputc('\n', f);
	}
	if (*text(program, "Path")) {
		fprintf(f, "%-12s", "program");
		put(f, text(program, "Path"));
		fprintf(f, ", from layer %lld\n", number(program, "Layer"));
	}
	put_row(f, "format", text(program, "Format"));
	if (*text(program, "InterpreterPath")) {
		fprintf(f, "%-12s", "interpreter");
		put(f, text(program, "Interpreter"));
		if (strcmp(text(program, "Interpreter"), text(program, "InterpreterPath")) != 0) {
			fputs(" = ", f);
			put(f, text(program, "InterpreterPath"));
		}
		fputc('\n', f);
	}
	print_libraries(f, json_object_get(program, "Libraries"));
	if (json_is_true(json_object_get(program, "Static")))
		put_row(f, "needs",
			count_files(inside) == 1
				? "nothing: no interpreter, no libraries, and it is the only file. No user space at all"
				: "nothing of the image to start: no interpreter, no libraries");
	put_row(f, "PROBLEM", text(program, "Problem"));
}

void inside_print(FILE *f, json_t *inside)
{
	json_t *program = json_object_get(inside, "Program"), *layer;
	size_t i;

	print_identity(f, inside);
	fputc('\n', f);
	print_surroundings(f, inside);
	fputc('\n', f);
	if (program)
		print_program(f, inside, program);
	else
		fputs("The image names no program to start.\n", f);
	if (json_array_size(json_object_get(inside, "Layers")) > 0)
		fputs("\nlayers, the base first\n", f);
	json_array_foreach(json_object_get(inside, "Layers"), i, layer) print_layer(f, layer);
}
