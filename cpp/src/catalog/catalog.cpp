#include "eventlens/catalog.h"

#include <thread>

#include "catalog/catalog_impl.h"
#include "catalog/schema.h"

namespace eventlens {

namespace {

constexpr int page_bytes = 8192;  // an embedding of up to 900 components stays within its page

std::filesystem::path file_in(const std::filesystem::path& workspace) {
    std::error_code failed;
    std::filesystem::create_directories(workspace, failed);
    if (failed || !std::filesystem::is_directory(workspace, failed)) {
        throw Error(ErrorCode::bad_input,
                    "cannot create the workspace folder " + workspace.string() +
                        (failed ? ": " + failed.message() : ": there is a file of that name"));
    }
    // Absolute, so that SQLite does not take a name for a URI ("file:...").
    return std::filesystem::absolute(workspace) / "catalog.sqlite";
}

void configure(sqlite::Database& database) {
    // secure_delete: faces are biometric data; what is deleted is overwritten, also in pages that become
    // free. temp_store: what SQLite sorts aside stays in memory and never reaches a temporary file.
    database.execute(
        "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
        "PRAGMA cache_size = -16000");  // kibibytes
    if (database.integer("PRAGMA foreign_keys") != 1 || database.integer("PRAGMA secure_delete") != 1) {
        throw Error(ErrorCode::unsupported, "this SQLite was built without foreign keys or secure deletion");
    }
}

// The switch to a log happens once in a file's life, needs it alone, and does not wait for others by itself.
void use_write_ahead_log(sqlite::Database& database, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!database.try_execute("PRAGMA journal_mode = WAL")) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw Error(ErrorCode::overloaded,
                        "catalog " + database.file().string() + ": another process keeps it busy; try again");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

void open_for_writing(sqlite::Database& database, const CatalogOptions& options) {
    if (database.read_only()) {
        throw Error(ErrorCode::bad_input, "catalog " + database.file().string() +
                                              ": it cannot be written; check the permissions of the file");
    }
    check_schema(database, schema_steps());  // before anything is changed: the file may be another program's
    database.execute("PRAGMA page_size = " + std::to_string(page_bytes));  // of a file that is still empty
    use_write_ahead_log(database, options.patience);
    configure(database);
    // In WAL mode NORMAL would do without any sync in a commit, and a loss of power could take back the last
    // commits: a hidden photo would be shown again, a UUID that was given away would name nothing.
    database.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864");
    migrate(database, schema_steps());
    if (options.max_bytes > 0) {
        const auto page_size = database.integer("PRAGMA page_size");
        database.execute("PRAGMA max_page_count = " +
                         std::to_string(std::max<std::int64_t>(options.max_bytes / page_size, 1)));
    }
}

}  // namespace

Catalog::Impl::Impl(std::filesystem::path catalog_file, const CatalogOptions& catalog_options)
    : file(std::move(catalog_file)), options(catalog_options), writer(file, options.patience) {
    open_for_writing(writer, options);
}

Catalog::Impl::Writing::Writing(Impl& impl)
    : guard_(impl.writing),
      database_(&impl.writer),
      transaction_(impl.writer, sqlite::Transaction::Kind::write) {}

Catalog::Impl::Reading::Reading(const Impl& impl) : impl_(impl) {
    {
        const std::lock_guard lock(impl_.pool);
        if (!impl_.idle_readers.empty()) {
            database_ = std::move(impl_.idle_readers.back());
            impl_.idle_readers.pop_back();
        }
    }
    if (!database_) {
        database_ = std::make_unique<sqlite::Database>(impl_.file, impl_.options.patience);
        configure(*database_);
        database_->execute("PRAGMA query_only = ON");
    }
    view_.emplace(*database_, sqlite::Transaction::Kind::read);
}

Catalog::Impl::Reading::~Reading() {
    view_.reset();
    const std::lock_guard lock(impl_.pool);
    impl_.idle_readers.push_back(std::move(database_));
}

void Catalog::Impl::empty_log() {
    const std::lock_guard lock(writing);
    // Waits for readers; where that takes longer than the patience the log is left as it is, which is no
    // failure.
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

std::int64_t next_change(sqlite::Database& database, EventId event) {
    auto counted = database.query(
        "UPDATE events SET change_counter = change_counter + 1 WHERE id = ? RETURNING change_counter", event);
    if (!counted.step()) throw_not_found("event", event);
    return counted.integer(0);
}

void require_event(sqlite::Database& database, EventId event) {
    if (!database.query("SELECT 1 FROM events WHERE id = ?", event).step()) throw_not_found("event", event);
}

Catalog Catalog::open(const std::filesystem::path& workspace, const CatalogOptions& options) {
    Catalog catalog(std::make_unique<Impl>(file_in(workspace), options));
    try {
        catalog.remove_expired_searches();
    } catch (const Error& error) {
        // Somebody else writes, or the disk is full: no reason to keep from reading. What has expired is not
        // told to anyone, and whoever opens the catalog or saves a search next removes it.
        if (error.code() != ErrorCode::overloaded) throw;
    }
    return catalog;
}

Catalog::Catalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog& Catalog::operator=(Catalog&&) noexcept = default;
Catalog::~Catalog() = default;

}  // namespace eventlens
