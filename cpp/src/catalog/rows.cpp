#include "catalog/rows.h"

#include <algorithm>
#include <cmath>

#include "base/uuid.h"
#include "catalog/blobs.h"
#include "eventlens/error.h"

namespace eventlens {

Rect rect_at(const sqlite::Query& row, int column) {
    return {static_cast<float>(row.real(column)), static_cast<float>(row.real(column + 1)),
            static_cast<float>(row.real(column + 2)), static_cast<float>(row.real(column + 3))};
}

Face face_at(const sqlite::Query& row, int column) {
    Face face;
    face.box = rect_at(row, column);
    points_of(row.blob(column + 4), face.landmarks);
    face.confidence = static_cast<float>(row.real(column + 5));
    face.quality = static_cast<float>(row.real(column + 6));
    face.embedding = embedding_of(row.blob(column + 7));  // NULL is an empty blob, and so an empty embedding
    return face;
}

BibRead bib_read_at(const sqlite::Query& row, int column) {
    BibRead read;
    read.text = row.text(column);
    read.confidences = floats_of(row.blob(column + 1));
    points_of(row.blob(column + 2), read.corners);
    read.evidence = floats_of(row.blob(column + 3));
    return read;
}

std::string uuid_at(const sqlite::Query& row, int column) {
    Uuid uuid{};
    const auto stored = row.blob(column);
    if (stored.size() != uuid.size()) throw Error(ErrorCode::bad_input, "catalog: a stored UUID is damaged");
    for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::uint8_t>(stored[i]);
    return uuid_text(uuid);
}

std::int64_t find_model(sqlite::Database& database, const std::string& name) {
    auto row = database.query("SELECT id FROM models WHERE name = ?", name);
    return row.step() ? row.integer(0) : 0;
}

std::int64_t find_or_add_model(sqlite::Database& database, const std::string& name) {
    database.run("INSERT INTO models(name) VALUES (?) ON CONFLICT DO NOTHING", name);
    return find_model(database, name);
}

void require_finite(std::initializer_list<double> numbers, const char* of_what) {
    if (!std::all_of(numbers.begin(), numbers.end(), [](double n) { return std::isfinite(n); })) {
        throw Error(ErrorCode::bad_input, std::string(of_what) + " that is not finite");
    }
}

}  // namespace eventlens
