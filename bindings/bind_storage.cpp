#include "eventlens/storage.h"

#include <algorithm>
#include <utility>

#include "python_types.h"

namespace eventlens::python {

namespace {

// A whole object as bytes, made without holding the interpreter.
py::bytes bytes_from(const std::vector<std::byte>& content) {
    return {reinterpret_cast<const char*>(content.data()), content.size()};
}

// A listing as Python goes through it: one page is in memory, and others may run while the next is fetched.
class ListedObjects {
  public:
    explicit ListedObjects(std::unique_ptr<Listing> listing) : listing_(std::move(listing)) {}

    StoredObject next() {
        if (at_ == page_.size()) fetch();
        if (at_ == page_.size()) throw py::stop_iteration();
        return std::move(page_[at_++]);
    }

  private:
    // The listing is taken away meanwhile: after an error, and for a second thread, there is no more.
    void fetch() {
        std::unique_ptr<Listing> listing = std::move(listing_);
        if (!listing) return;
        std::vector<StoredObject> page;
        {
            py::gil_scoped_release other_threads_may_run;
            page = listing->next();
        }
        page_ = std::move(page);
        at_ = 0;
        if (!page_.empty()) listing_ = std::move(listing);
    }

    std::unique_ptr<Listing> listing_;
    std::vector<StoredObject> page_;
    std::size_t at_ = 0;
};

}  // namespace

void bind_storage(py::module_& module) {
    using Release = py::call_guard<py::gil_scoped_release>;

    py::class_<StorageOptions>(module, "StorageOptions", "How buckets are reached; see `eventlens.Storage`.")
        .def(py::init<>())
        .def_readwrite("access_key", &StorageOptions::access_key)
        .def_readwrite("secret_key", &StorageOptions::secret_key)
        .def_readwrite("session_token", &StorageOptions::session_token)
        .def_readwrite("azure_key", &StorageOptions::azure_key)
        .def_readwrite("azure_sas", &StorageOptions::azure_sas)
        .def_readwrite("environment", &StorageOptions::environment)
        .def_readwrite("ca_file", &StorageOptions::ca_file)
        .def_readwrite("proxy", &StorageOptions::proxy)
        .def_readwrite("attempts", &StorageOptions::attempts)
        .def_property(
            "connect_within", [](const StorageOptions& o) { return o.connect_within.count(); },
            [](StorageOptions& o, int seconds) { o.connect_within = std::chrono::seconds(seconds); })
        .def_property(
            "stalled_after", [](const StorageOptions& o) { return o.stalled_after.count(); },
            [](StorageOptions& o, int seconds) { o.stalled_after = std::chrono::seconds(seconds); })
        .def_readwrite("parallel_reads", &StorageOptions::parallel_reads);

    py::class_<StoredObject>(module, "StoredObject", "One object of a store, as a listing shows it.")
        .def_property_readonly("key", [](const StoredObject& object) { return text_of_key(object.key); })
        .def_readonly("size", &StoredObject::size, "Bytes.")
        .def_readonly("modified", &StoredObject::modified, "Nanoseconds since 1970-01-01 UTC.")
        .def_readonly("etag", &StoredObject::etag, "The store's own mark of the content; may be empty.")
        .def("__repr__", [](const StoredObject& object) {
            return py::str("<StoredObject {!r}, {} bytes>").format(text_of_key(object.key), object.size);
        });

    py::class_<ListedObjects>(module, "ListedObjects",
                              "The objects of a store, listed as they are asked for.")
        .def("__iter__", [](ListedObjects& self) -> ListedObjects& { return self; })
        .def("__next__", &ListedObjects::next);

    py::class_<Store>(module, "Store", R"(Where media live: a folder, or a bucket. Thread safe.

Errors: NotFoundError for an object that is gone, BadInputError for what is not allowed or not a key, OverloadedError
when the store has trouble of its own, after all attempts.)")
        .def_property_readonly("uri", &Store::uri, "Names the place for good; holds no secret.")
        .def_property_readonly("retries", &Store::retries, "Requests made again so far.")
        .def(
            "list",
            [](const Store& store, const py::str& prefix) {
                return std::make_unique<ListedObjects>(store.listing({.prefix = key_of_text(prefix)}));
            },
            "prefix"_a = "", py::keep_alive<0, 1>(),
            R"(Iterate over the objects whose keys begin with `prefix`, in the byte order of keys.

They are listed as they are asked for, with one page of the bucket, or one folder, in memory at a time. Errors come from
the iteration, which is for one thread.)")
        .def(
            "read",
            [](const Store& store, const py::str& key) {
                const std::string name = key_of_text(key);
                std::vector<std::byte> content;
                {
                    py::gil_scoped_release other_threads_may_run;
                    content = store.read(name, std::int64_t{1} << 32);
                }
                return bytes_from(content);
            },
            "key"_a, "The whole content of an object, of 4 GiB at most.")
        .def(
            "read_range",
            [](const Store& store, const py::str& key, std::int64_t offset, std::int64_t length) {
                if (offset < 0 || length < 0 || length > std::int64_t{1} << 32)
                    throw Error(ErrorCode::bad_input, "a range begins at 0 or behind, and has 4 GiB at most");
                const std::string name = key_of_text(key);
                std::vector<std::byte> content;
                {
                    py::gil_scoped_release other_threads_may_run;
                    const auto object = store.open(name);
                    content.resize(static_cast<std::size_t>(
                        std::clamp(object->size() - offset, std::int64_t{0}, length)));
                    content.resize(object->read(offset, content));
                }
                return bytes_from(content);
            },
            "key"_a, "offset"_a, "length"_a, "Bytes of an object; fewer than `length` only at its end.")
        .def(
            "write",
            [](const Store& store, const py::str& key, const py::bytes& content,
               const std::string& content_type, const std::string& cache_control, bool only_if_absent) {
                const std::string name = key_of_text(key);
                const WriteOptions options{content_type, cache_control, only_if_absent};
                const std::span<const std::byte> view = bytes_of(content);
                py::gil_scoped_release other_threads_may_run;
                return store.write(name, view, options);
            },
            "key"_a, "content"_a, "content_type"_a = "application/octet-stream", "cache_control"_a = "",
            "only_if_absent"_a = false,
            "Put an object whole, or not at all. False: only_if_absent, and there is one.")
        .def(
            "remove",
            [](const Store& store, const py::str& key) {
                const std::string name = key_of_text(key);
                py::gil_scoped_release other_threads_may_run;
                store.remove(name);
            },
            "key"_a, "Remove an object; one that is not there is no error.")
        .def(
            "presign",
            [](const Store& store, const py::str& key, int seconds, const std::string& download_name) {
                return store.presign_get(key_of_text(key), {std::chrono::seconds(seconds), download_name});
            },
            "key"_a, "seconds"_a = 3600, "download_name"_a = "",
            "A URL that serves the object by GET, without credentials, for so long. UnsupportedError for a "
            "folder.");

    module.def(
        "open_store",
        [](const std::string& location, const StorageOptions& options) {
            // pybind11 holds nothing const; every method is.
            return std::unique_ptr<Store>(const_cast<Store*>(open_store(location, options).release()));
        },
        "location"_a, "options"_a, Release());
}

}  // namespace eventlens::python
