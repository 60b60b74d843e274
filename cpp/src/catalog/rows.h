#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "catalog/sqlite.h"
#include "eventlens/bibs.h"
#include "eventlens/faces.h"

// What photos and videos store alike.
namespace eventlens {

// Values that take several columns, from `column` on. Stored lists that are damaged are Error(bad_input).
Rect rect_at(const sqlite::Query& row, int column);         // x, y, width, height
Face face_at(const sqlite::Query& row, int column);         // a rect, landmarks, confidence, quality, vector
BibRead bib_read_at(const sqlite::Query& row, int column);  // text, confidences, corners, evidence

std::string uuid_at(const sqlite::Query& row, int column);

// The model of this name; 0: nothing was ever made with it.
std::int64_t find_model(sqlite::Database& database, const std::string& name);
std::int64_t find_or_add_model(sqlite::Database& database, const std::string& name);

// Throws Error(bad_input), "`of_what` that is not finite".
void require_finite(std::initializer_list<double> numbers, const char* of_what);

}  // namespace eventlens
