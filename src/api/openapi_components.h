#pragma once
/* The schemas and parameters of openapi_components.def as JSON texts. */

struct openapi_component {
    const char *name, *json;
};

/* Both end with a name of NULL. */
extern const struct openapi_component openapi_schemas[], openapi_parameters[];
