/*
 * `--format`: that part of Go's text/template in which people write formats for docker, over JSON values.
 *
 *     {{.Config.Env}}  {{json .}}  {{index .Config.Labels "key"}}  {{len .RootFS.Layers}}
 *     {{range .Mounts}}{{.Source}} {{end}}  {{if .Config.Labels}}…{{else}}…{{end}}  {{range $k, $v := .X}}…{{end}}
 *     {{join .Config.Cmd " "}}  {{.Name | upper}}  {{println .}}  {{eq .State "running"}}
 *
 * Functions: json index len join split lower upper title println print eq ne not and or slice truncate pad.
 * {{.Label "key"}} takes one of a row's Labels, as with docker. Whatever else text/template has is refused by name. Values print as Go prints them: [a b], map[k:v],
 * <no value>.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

struct template;

/* "\t" and "\n" written with a backslash count as the character, as with docker. -EINVAL says what is wrong and where. */
int template_parse(const char *text, struct template **ret, struct err *err);
void template_free(struct template *t);
static inline void cleanup_template(struct template **t)
{
	template_free(*t);
}
#define autotemplate CLEANUP(cleanup_template)

/* Appends T with ROOT as the dot. A member that isn't there is -EINVAL where ROOT is an object and STRICT, else "<no value>". */
int template_render(const struct template *t, json_t *root, bool strict, struct buf *out, struct err *err);
