#include "python_types.h"

// Organisations, their keys, and what is deleted for good.
namespace eventlens::python {

void bind_access(py::module_& module, py::class_<Engine>& engine) {
    py::class_<Organisation>(module, "Organisation", "Who owns events.")
        .def_readonly("id", &Organisation::id)
        .def_readonly("name", &Organisation::name)
        .def_readonly("billable_searches", &Organisation::billable_searches)
        .def_readonly("cors_origins", &Organisation::cors_origins, "Web pages that may ask a server.")
        .def_readonly("created", &Organisation::created, "Milliseconds since 1970-01-01T00:00:00Z.");

    py::class_<ApiKey>(module, "ApiKey", "What is known of a key to a server: not the key.")
        .def_readonly("id", &ApiKey::id)
        .def_readonly("organisation", &ApiKey::organisation)
        .def_readonly("shown", &ApiKey::shown, "How it begins.")
        .def_readonly("name", &ApiKey::name)
        .def_readonly("creator", &ApiKey::creator)
        .def_readonly("active", &ApiKey::active)
        .def_readonly("created", &ApiKey::created, "Milliseconds since 1970-01-01T00:00:00Z.");

    py::class_<NewKey>(module, "NewKey", "A key that was just made, and is told this once.")
        .def_readonly("id", &NewKey::id)
        .def_readonly("key", &NewKey::key);

    py::class_<Deletion>(module, "CoreDeletion", "What was deleted for good.")
        .def_readonly("photos", &Deletion::photos)
        .def_readonly("files_left", &Deletion::files_left);

    using Release = py::call_guard<py::gil_scoped_release>;
    engine
        .def(
            "organisations", [](Engine& e) { return e.catalog().organisations(); }, Release())
        .def(
            "create_organisation",
            [](Engine& e, const std::string& name) { return e.catalog().create_organisation(name); },
            "name"_a, Release())
        .def(
            "update_organisation",
            [](Engine& e, OrganisationId organisation, const std::string& name,
               const std::vector<std::string>& cors_origins) {
                e.catalog().update_organisation(organisation, name, cors_origins);
            },
            "organisation"_a, "name"_a, "cors_origins"_a, Release())
        .def(
            "create_key",
            [](Engine& e, OrganisationId organisation, const std::string& name, const std::string& creator) {
                return e.catalog().create_key(organisation, name, creator);
            },
            "organisation"_a, "name"_a, "creator"_a, Release())
        .def(
            "api_keys", [](Engine& e) { return e.catalog().keys(); }, Release())
        .def(
            "set_key_active",
            [](Engine& e, KeyId key, bool active) { e.catalog().set_key_active(key, active); }, "key"_a,
            "active"_a, Release())
        .def(
            "remove_key", [](Engine& e, KeyId key) { e.catalog().remove_key(key); }, "key"_a, Release())
        .def(
            "find_photo",
            [](Engine& e, EventId event, const std::string& uuid) {
                return e.catalog().find_photo(event, uuid);
            },
            "event"_a, "uuid"_a, Release())
        .def(
            "delete_photos",
            [](Engine& e, EventId event, const std::vector<PhotoId>& photos) {
                return e.delete_photos(event, photos);
            },
            "event"_a, "photos"_a, Release())
        .def("delete_photos_of_bib", &Engine::delete_photos_of_bib, "event"_a, "bib"_a, Release())
        .def("delete_photos_of_search", &Engine::delete_photos_of_search, "event"_a, "request_id"_a,
             Release())
        .def("add_source", &Engine::add_source, "event"_a, "location"_a, Release())
        .def("remove_source", &Engine::remove_source, "event"_a, "source"_a, Release());
}

}  // namespace eventlens::python
