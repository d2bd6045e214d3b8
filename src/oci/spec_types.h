/* Private to oci/: tables of spec.c that others need who change a spec. */
#pragma once

#include "oci/fields.h"

extern const struct field_type oci_mount_type, oci_namespace_type;
