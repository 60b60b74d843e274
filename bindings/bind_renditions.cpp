#include <algorithm>

#include "eventlens/engine.h"
#include "python_types.h"

namespace eventlens::python {

namespace {

py::bytes bytes_from(const std::vector<std::byte>& content) {
    return {reinterpret_cast<const char*>(content.data()), content.size()};
}

// A property that is bytes in Python.
template <std::vector<std::byte> RenditionSettings::*member>
void def_bytes(py::class_<RenditionSettings>& settings, const char* name) {
    settings.def_property(
        name, [](const RenditionSettings& s) { return bytes_from(s.*member); },
        [](RenditionSettings& s, const py::bytes& content) {
            const auto bytes = bytes_of(content);
            (s.*member).assign(bytes.begin(), bytes.end());
        });
}

Place place_named(const std::string& name) {
    const auto found = std::ranges::find(place_names, name);
    if (found == place_names.end()) {
        std::string known;
        for (const std::string_view place : place_names)
            known += (known.empty() ? "" : ", ") + std::string(place);
        throw Error(ErrorCode::bad_input, "no place is called " + name + "; there are: " + known);
    }
    return static_cast<Place>(found - place_names.begin());
}

RenditionKind kind_named(const std::string& name) {
    if (name == "thumbnail") return RenditionKind::thumbnail;
    if (name == "preview") return RenditionKind::preview;
    throw Error(ErrorCode::bad_input, "a rendition is a thumbnail or a preview, not " + name);
}

// The progress function holds a Python object: it must die with the GIL held.
RenditionReport make_renditions(Engine& engine, EventId event, int workers, bool all,
                                const py::object& progress) {
    RenditionOptions options;
    options.workers = workers;
    options.all = all;
    options.progress = [&progress](const RenditionProgress& state) {
        py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (!progress.is_none()) progress(state);
    };
    py::gil_scoped_release other_threads_may_run;
    return engine.make_renditions(event, options);
}

}  // namespace

void bind_renditions(py::module_& module, py::class_<Engine>& engine) {
    using Release = py::call_guard<py::gil_scoped_release>;

    py::class_<RenditionSettings> settings(module, "RenditionSettings", "How renditions are made.");
    settings.def(py::init<>())
        .def_property_readonly(
            "location",
            [](const RenditionSettings& s) {
                return s.store_uri.empty() ? std::string() : location_of(s.store_uri, s.store_access);
            },
            "Where they are stored; empty: the workspace's own folder.")
        .def_readwrite("thumbnail_side", &RenditionSettings::thumbnail_side)
        .def_readwrite("preview_side", &RenditionSettings::preview_side)
        .def_readwrite("quality", &RenditionSettings::quality)
        .def_property(
            "position",
            [](const RenditionSettings& s) {
                return place_names.at(static_cast<std::size_t>(s.layout.place));
            },
            [](RenditionSettings& s, const std::string& name) { s.layout.place = place_named(name); })
        .def_property(
            "width", [](const RenditionSettings& s) { return s.layout.width; },
            [](RenditionSettings& s, double width) { s.layout.width = width; })
        .def_property(
            "margin", [](const RenditionSettings& s) { return s.layout.margin; },
            [](RenditionSettings& s, double margin) { s.layout.margin = margin; })
        .def_property(
            "opacity", [](const RenditionSettings& s) { return s.layout.opacity; },
            [](RenditionSettings& s, double opacity) { s.layout.opacity = opacity; });
    def_bytes<&RenditionSettings::artwork>(settings, "artwork");
    def_bytes<&RenditionSettings::artwork_portrait>(settings, "artwork_portrait");

    py::class_<RenditionProgress>(module, "RenditionProgress",
                                  "How far a run that makes renditions is; counts are of photos.")
        .def_readonly("total", &RenditionProgress::total)
        .def_readonly("done", &RenditionProgress::done, "Of those, recorded, failures included.")
        .def_readonly("failed", &RenditionProgress::failed);

    py::class_<RenditionReport>(module, "CoreRenditionReport", "What a run that makes renditions did.")
        .def_readonly("made", &RenditionReport::made)
        .def_readonly("unchanged", &RenditionReport::unchanged)
        .def_readonly("failed", &RenditionReport::failed)
        .def_readonly("files_left", &RenditionReport::files_left)
        .def_readonly("bytes", &RenditionReport::bytes)
        .def_readonly("seconds", &RenditionReport::seconds);

    engine
        .def("set_renditions", &Engine::set_renditions, "event"_a, "settings"_a, "location"_a = "", Release())
        .def(
            "renditions", [](Engine& e, EventId event) { return e.catalog().renditions(event); }, "event"_a,
            Release())
        .def("remove_renditions", &Engine::remove_renditions, "event"_a, Release())
        .def("make_renditions", &make_renditions, "event"_a, "workers"_a, "all"_a, "progress"_a)
        .def(
            "rendition_bytes",
            [](Engine& e, PhotoId photo, const std::string& kind) {
                std::vector<std::byte> bytes;
                {
                    py::gil_scoped_release other_threads_may_run;
                    bytes = e.rendition_bytes(photo, kind_named(kind));
                }
                return bytes_from(bytes);
            },
            "photo"_a, "kind"_a)
        .def(
            "rendition_link",
            [](Engine& e, PhotoId photo, const std::string& kind, std::int64_t seconds) {
                return e.rendition_link(photo, kind_named(kind), {.lasts = std::chrono::seconds(seconds)});
            },
            "photo"_a, "kind"_a, "seconds"_a, Release())
        .def(
            "original_link",
            [](Engine& e, PhotoId photo, std::int64_t seconds) {
                return e.original_link(photo, {.lasts = std::chrono::seconds(seconds)});
            },
            "photo"_a, "seconds"_a, Release());
}

}  // namespace eventlens::python
