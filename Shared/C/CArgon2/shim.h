#pragma once
#include <argon2.h>

// A macro with a cast, which Swift cannot import.
static const uint32_t kontor_argon2_clear_password = ARGON2_FLAG_CLEAR_PASSWORD;
