#include "eventlens/bibs.h"

#include <sstream>

#include "python_types.h"

namespace eventlens::python {

namespace {

std::vector<BibRead> read_text(const BibReader& reader, const PixelArray& image,
                               const std::vector<Face>& faces) {
    const ImageView view = view_of(image);
    py::gil_scoped_release other_threads_may_run;
    return reader.read_text(view, faces);
}

py::array_t<float> corners(const BibRead& read) {
    py::array_t<float> points({py::ssize_t{4}, py::ssize_t{2}});
    auto rows = points.mutable_unchecked<2>();
    for (std::size_t i = 0; i < read.corners.size(); ++i) {
        rows(static_cast<py::ssize_t>(i), 0) = read.corners[i].x;
        rows(static_cast<py::ssize_t>(i), 1) = read.corners[i].y;
    }
    return points;
}

std::string repr(const Bib& bib) {
    std::ostringstream text;
    text.precision(2);
    text << "<Bib " << bib.text << (bib.partial ? ", partial" : "") << ", probability " << bib.probability
         << ">";
    return text.str();
}

}  // namespace

void bind_bibs(py::module_& module) {
    py::class_<BibRead>(module, "BibRead",
                        "Text seen in a photo, before any rule says what a bib looks like.")
        .def_readonly("text", &BibRead::text)
        .def_property_readonly(
            "corners", &corners,
            "float32 (4, 2): top left, top right, bottom right, bottom left, in pixels (a copy).")
        .def("__repr__", [](const BibRead& read) { return "<BibRead " + read.text + ">"; });

    py::class_<Bib>(module, "Bib", "A number read on a runner.")
        .def_readonly("text", &Bib::text)
        .def_readonly(
            "probability", &Bib::probability,
            "0 to 1: the calibrated chance that text is the whole number. 0.5 and above counts as exact.")
        .def_readonly("partial", &Bib::partial, "A part of the number is likely hidden or unread.")
        .def_property_readonly(
            "box", [](const Bib& bib) { return tuple_of(bib.box); },
            "(x, y, width, height) in pixels of the upright image.")
        .def("__repr__", &repr);

    py::class_<BibReader>(module, "BibReader", "Finds and reads the text on runners. Thread safe.")
        .def(py::init([](const std::shared_ptr<ModelStore>& models, const std::string& reader) {
                 BibOptions options;
                 options.reader = reader;
                 py::gil_scoped_release loading_models_is_slow;
                 return BibReader::open(models, options);
             }),
             "models"_a, py::kw_only(), "reader"_a = BibOptions{}.reader)
        .def("read_text", &read_text, "image"_a.noconvert(), "faces"_a, R"doc(
Read everything legible that could be a bib.

Args:
    image: uint8 pixels shaped (height, width) or (height, width, 3), RGB, C-contiguous, borrowed.
    faces: Those found in the same image; text on the torsos below them is looked for more closely.

Returns:
    A list of BibRead, to be given to interpret_bibs.

Raises:
    BadInputError: the array has another shape.

The GIL is released while reading.
)doc");

    module.def(
        "interpret_bibs",
        [](const std::vector<BibRead>& reads, const std::string& pattern,
           const std::vector<std::string>& roster) {
            return interpret_bibs(reads, {pattern, roster});
        },
        "reads"_a, py::kw_only(), "pattern"_a = BibRules{}.pattern, "roster"_a = std::vector<std::string>{},
        py::call_guard<py::gil_scoped_release>(), R"doc(
Apply an event's rules to stored reads, surest first.

Args:
    reads: From BibReader.read_text.
    pattern: Regular expression for the whole text, ignoring case.
    roster: Valid bibs, upper case; empty: unknown.

Raises:
    BadInputError: the pattern is no regular expression, or too costly a one.
)doc");
}

}  // namespace eventlens::python
