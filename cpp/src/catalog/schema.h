#pragma once

#include <span>
#include <string_view>

#include "catalog/sqlite.h"

namespace eventlens {

// In the file's header: tells a catalog from any other SQLite file ("ELNS").
constexpr int catalog_application_id = 0x454C4E53;

// The steps that make a catalog, oldest first; step n leads to schema version n, counted from 1 and kept in
// PRAGMA user_version. A released step is never edited: what changes is appended.
std::span<const std::string_view> schema_steps();

// Refuses what is not a catalog, Error(bad_input), and what is newer than `steps`, Error(unsupported),
// without changing it; a file without any table is a catalog of version 0. Returns the version.
int check_schema(sqlite::Database& database, std::span<const std::string_view> steps);

// Takes the missing steps, each in one transaction: killed in between, the next open goes on. Several
// processes may do so at once.
void migrate(sqlite::Database& database, std::span<const std::string_view> steps);

}  // namespace eventlens
