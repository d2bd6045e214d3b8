/*
 * docker's filters over containers. They are understood as a whole before there is a row to try them on, so that one
 * that isn't one is told on an empty store as well.
 */
#pragma once

#include "engine/container/list.h"

struct row_filter;
DEFINE_VEC(row_filters, struct row_filter *)
void row_filters_done(struct row_filters *f);
#define autofilters CLEANUP(row_filters_done)

/* What they are called, as a hint or a help says it. */
#define ROW_FILTER_NAMES                                                                                               \
	"ancestor, before, exited, expose, health, id, label, label!, name, network, publish, restart-policy, "        \
	"should-start-on-boot, since, status, until, volume"

/* WORDS: "KEY=VALUE", borrowed as long as RET lives. -EINVAL, with what would do. */
int row_filters_parse(const struct strv *words, struct row_filters *ret, struct err *err);
/* Finds out when the containers that before and since name were made. -ENOENT: there is none; -ENOTUNIQ: several. */
int row_filters_bind(struct row_filters *f, const struct container_rows *rows, struct err *err);
/*
 * Does ROW pass? Filters of one key are alternatives, those of different keys all have to pass; labels all have to. Bound
 * before.
 */
bool row_filters_pass(struct store *s, const struct row_filters *f, const struct container_row *row);
