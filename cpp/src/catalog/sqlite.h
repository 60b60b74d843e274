#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/c_handle.h"

// All of SQLite that the catalog needs, owned and typed; nothing outside cpp/src/catalog includes it. Every
// failure is an Error: bad_input for a file that is damaged, foreign or read-only, overloaded for a full disk
// and for waiting too long for another process, internal for mistakes of ours.
namespace eventlens::sqlite {

class Database;

// A prepared statement in a database's cache.
struct Statement {
    CHandle<sqlite3_stmt, sqlite3_finalize> handle;
    bool in_use = false;
};

// One run of a prepared statement, borrowed from its database's cache and given back on destruction.
class Query {
  public:
    Query(Database& database, std::string_view sql);
    ~Query();
    Query(Query&& other) noexcept;
    Query& operator=(Query&&) = delete;

    // Parameters are numbered from 1. Values are copied.
    void bind(int parameter, std::int64_t value);
    void bind(int parameter, int value) { bind(parameter, std::int64_t{value}); }
    void bind(int parameter, bool value) { bind(parameter, std::int64_t{value}); }
    void bind(int parameter, double value);
    void bind(int parameter, std::string_view text);
    void bind(int parameter, std::span<const std::byte> blob);
    void bind(int parameter, std::nullptr_t);
    template <typename T>
    void bind(int parameter, const std::optional<T>& value) {
        if (value) {
            bind(parameter, *value);
        } else {
            bind(parameter, nullptr);
        }
    }

    // Moves to the next row; false after the last.
    bool step();

    // Runs a statement that returns no rows (or whose rows do not matter) to its end.
    void run();

    // Columns of the current row, numbered from 0; texts and blobs may hold any bytes, NUL included.
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;
    bool is_null(int column) const;
    std::span<const std::byte> blob(int column) const;  // until the next step()
    std::string blob_text(int column) const;

    std::optional<std::int64_t> maybe_integer(int column) const;
    std::optional<double> maybe_real(int column) const;

  private:
    void check(int result) const;

    Database* database_;
    Statement* statement_;
};

// A connection. Thread safety: none; one thread at a time.
class Database {
  public:
    // Opens or creates. `patience`: how long a statement waits for another process's lock.
    Database(const std::filesystem::path& file, std::chrono::milliseconds patience);

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // One or more statements without parameters.
    void execute(const std::string& sql);

    // Prepares `sql`, or takes it from the cache, and binds `values` to parameters 1, 2, ...
    template <typename... Values>
    Query query(std::string_view sql, const Values&... values) {
        Query query(*this, sql);
        int parameter = 0;
        (query.bind(++parameter, values), ...);
        return query;
    }

    // query() run to its end.
    template <typename... Values>
    void run(std::string_view sql, const Values&... values) {
        Query query(*this, sql);
        int parameter = 0;
        (query.bind(++parameter, values), ...);
        query.run();
    }

    // The single integer that `sql` returns.
    std::int64_t integer(std::string_view sql);

    const std::filesystem::path& file() const { return file_; }
    std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
    std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
    bool read_only() const { return sqlite3_db_readonly(handle_.get(), "main") == 1; }
    bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

    // The same, but false when another connection held a lock for longer than the patience.
    bool try_execute(const std::string& sql);

    void rollback() noexcept;

  private:
    friend class Query;
    Statement& borrow(std::string_view sql);
    [[noreturn]] void fail(int result) const;

    std::filesystem::path file_;
    CHandle<sqlite3, sqlite3_close_v2> handle_;
    // Several of the same text only while that many run at once. Destroyed before the handle.
    std::map<std::string, std::vector<std::unique_ptr<Statement>>, std::less<>> statements_;
};

// All or nothing: rolled back unless committed.
class Transaction {
  public:
    enum class Kind {
        read,   // one consistent view of the file
        write,  // waits for other writers first, so that it cannot fail half way for a lock
    };
    Transaction(Database& database, Kind kind);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

  private:
    Database& database_;
};

}  // namespace eventlens::sqlite
