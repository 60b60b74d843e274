#include "eventlens/gallery.h"

#include "python_types.h"

namespace eventlens::python {

const char* name_of(MatchKind kind) {
    switch (kind) {
        case MatchKind::face: return "face";
        case MatchKind::bib: return "bib";
        case MatchKind::bib_unsure: return "bib_unsure";
        case MatchKind::bib_partial: return "bib_partial";
    }
    return "face";
}

void bind_gallery(py::module_& module) {
    py::class_<Match>(module, "GalleryMatch", "Why a photo is offered.")
        .def_property_readonly(
            "kind", [](const Match& match) { return name_of(match.kind); },
            "face, bib, bib_unsure or bib_partial.")
        .def_readonly(
            "probability", &Match::probability,
            "0 to 1: the calibrated chance that the photo shows the person, given the event's size.")
        .def_property_readonly(
            "box", [](const Match& match) { return tuple_of(match.box); },
            "(x, y, width, height) of the face or bib, in pixels of the upright photo.")
        .def_readonly("face", &Match::face, "Kind face: its place among the photo's faces; else -1.")
        .def_readonly("similarity", &Match::similarity, "Kind face: the plain cosine to the probe.")
        .def_readonly("bib", &Match::bib, "Kinds bib...: the text that was read.");

    py::class_<GalleryStats>(module, "GalleryStats", "The size of an event in memory.")
        .def_readonly("photos", &GalleryStats::photos)
        .def_readonly("hidden_photos", &GalleryStats::hidden_photos)
        .def_readonly("faces", &GalleryStats::faces)
        .def_readonly("bibs", &GalleryStats::bibs)
        .def_readonly("memory_bytes", &GalleryStats::memory_bytes);
}

}  // namespace eventlens::python
