#include "catalog/sqlite.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "eventlens/error.h"

namespace eventlens::sqlite {

namespace {

struct Meaning {
    ErrorCode code;
    const char* words;
};

// What the reader of a message can do about a failure. The primary code is the low byte of an extended one.
Meaning meaning_of(int result, int system_error) {
    switch (result & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return {ErrorCode::overloaded, "another process keeps writing to it; try again"};
        case SQLITE_FULL:
            return {ErrorCode::overloaded,
                    "no room is left for it; free some disk space and run again, nothing committed is lost"};
        case SQLITE_NOMEM: return {ErrorCode::overloaded, "out of memory"};
        case SQLITE_IOERR:
            if (system_error == ENOSPC || system_error == EDQUOT) return meaning_of(SQLITE_FULL, 0);
            return {ErrorCode::overloaded, "the disk failed; check it and run again"};
        case SQLITE_CORRUPT:
            return {ErrorCode::bad_input,
                    "it is damaged; restore a copy, or index again into a new workspace"};
        case SQLITE_NOTADB: return {ErrorCode::bad_input, "it is not a catalog"};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
            return {ErrorCode::bad_input,
                    "it cannot be written; check the permissions of the file and its folder"};
        case SQLITE_TOOBIG: return {ErrorCode::bad_input, "a value is too large"};
        default: return {ErrorCode::internal, "unexpected"};
    }
}

}  // namespace

Query::Query(Database& database, std::string_view sql)
    : database_(&database), statement_(&database.borrow(sql)) {
    statement_->in_use = true;
}

Query::Query(Query&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Query::~Query() {
    if (!statement_) return;
    sqlite3_reset(statement_->handle.get());  // repeats the error of the last step, which was thrown already
    sqlite3_clear_bindings(statement_->handle.get());
    statement_->in_use = false;
}

void Query::check(int result) const {
    if (result != SQLITE_OK) database_->fail(result);
}

void Query::bind(int parameter, std::int64_t value) {
    check(sqlite3_bind_int64(statement_->handle.get(), parameter, value));
}

void Query::bind(int parameter, double value) {
    check(sqlite3_bind_double(statement_->handle.get(), parameter, value));
}

void Query::bind(int parameter, std::string_view text) {
    // An empty view may hold a null pointer, which SQLite would take for NULL.
    const char* bytes = text.empty() ? "" : text.data();
    check(sqlite3_bind_text64(statement_->handle.get(), parameter, bytes, text.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
}

void Query::bind(int parameter, std::span<const std::byte> blob) {
    const void* bytes = blob.empty() ? "" : static_cast<const void*>(blob.data());
    check(sqlite3_bind_blob64(statement_->handle.get(), parameter, bytes, blob.size(), SQLITE_TRANSIENT));
}

void Query::bind(int parameter, std::nullptr_t) {
    check(sqlite3_bind_null(statement_->handle.get(), parameter));
}

bool Query::step() {
    const int result = sqlite3_step(statement_->handle.get());
    if (result == SQLITE_ROW) return true;
    if (result != SQLITE_DONE) database_->fail(result);
    return false;
}

void Query::run() {
    while (step()) {
    }
}

std::int64_t Query::integer(int column) const {
    return sqlite3_column_int64(statement_->handle.get(), column);
}

double Query::real(int column) const {
    return sqlite3_column_double(statement_->handle.get(), column);
}

bool Query::is_null(int column) const {
    return sqlite3_column_type(statement_->handle.get(), column) == SQLITE_NULL;
}

std::string Query::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_->handle.get(), column));
    const int size = sqlite3_column_bytes(statement_->handle.get(), column);
    return bytes ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

std::span<const std::byte> Query::blob(int column) const {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_->handle.get(), column));
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_->handle.get(), column))};
}

std::string Query::blob_text(int column) const {
    const auto bytes = blob(column);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<std::int64_t> Query::maybe_integer(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::optional<double> Query::maybe_real(int column) const {
    if (is_null(column)) return std::nullopt;
    return real(column);
}

Database::Database(const std::filesystem::path& file, std::chrono::milliseconds patience) : file_(file) {
    sqlite3* raw = nullptr;
    const int result = sqlite3_open_v2(
        file.c_str(), &raw,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    handle_.reset(raw);  // given back even by a failed open
    if (result != SQLITE_OK) fail(result);
    sqlite3_busy_timeout(raw, static_cast<int>(patience.count()));
    // The file may come from anywhere: its schema gets no powers, and damage is noticed rather than followed.
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    execute("PRAGMA cell_size_check = ON");
}

void Database::fail(int result) const {
    const int system_error = handle_ ? sqlite3_system_errno(handle_.get()) : 0;
    const Meaning meaning = meaning_of(result, system_error);
    std::string message = "catalog " + file_.string() + ": " + meaning.words + " (";
    message += handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(result);
    if (system_error != 0) message += std::string(", ") + std::strerror(system_error);
    throw Error(meaning.code, message + ")");
}

void Database::execute(const std::string& sql) {
    const int result = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) fail(result);
}

bool Database::try_execute(const std::string& sql) {
    const int result = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if ((result & 0xFF) == SQLITE_BUSY || (result & 0xFF) == SQLITE_LOCKED) return false;
    if (result != SQLITE_OK) fail(result);
    return true;
}

void Database::rollback() noexcept {
    sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Statement& Database::borrow(std::string_view sql) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) found = statements_.try_emplace(std::string(sql)).first;
    for (const auto& statement : found->second) {
        if (!statement->in_use) return *statement;
    }
    auto fresh = std::make_unique<Statement>();
    sqlite3_stmt* raw = nullptr;
    const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (result != SQLITE_OK) fail(result);
    fresh->handle.reset(raw);
    return *found->second.emplace_back(std::move(fresh));
}

std::int64_t Database::integer(std::string_view sql) {
    Query query(*this, sql);
    if (!query.step()) throw Error(ErrorCode::internal, "catalog: no row from " + std::string(sql));
    return query.integer(0);
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
    database_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
    // Some failures, a full disk among them, have rolled back already.
    if (database_.in_transaction()) database_.rollback();
}

void Transaction::commit() {
    database_.execute("COMMIT");
}

}  // namespace eventlens::sqlite
