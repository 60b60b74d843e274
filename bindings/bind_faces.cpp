#include "eventlens/faces.h"

#include <sstream>

#include "python_types.h"

namespace eventlens::python {

namespace {

std::vector<Face> find(const FaceFinder& finder, const PixelArray& image) {
    const ImageView view = view_of(image);  // Python objects are touched only above this line
    py::gil_scoped_release other_threads_may_run;
    return finder.find(view);
}

std::vector<Face> find_in_selfie(const FaceFinder& finder, const PixelArray& image) {
    const ImageView view = view_of(image);
    py::gil_scoped_release other_threads_may_run;
    return finder.find_in_selfie(view);
}

py::array_t<float> landmarks(const Face& face) {
    py::array_t<float> points({static_cast<py::ssize_t>(face.landmarks.size()), py::ssize_t{2}});
    auto rows = points.mutable_unchecked<2>();
    for (std::size_t i = 0; i < face.landmarks.size(); ++i) {
        rows(static_cast<py::ssize_t>(i), 0) = face.landmarks[i].x;
        rows(static_cast<py::ssize_t>(i), 1) = face.landmarks[i].y;
    }
    return points;
}

std::string repr(const Face& face) {
    std::ostringstream text;
    text.precision(3);
    text << "<Face " << std::lround(face.box.width) << "x" << std::lround(face.box.height) << " at ("
         << std::lround(face.box.x) << ", " << std::lround(face.box.y) << "), confidence " << face.confidence
         << ", quality " << face.quality << ">";
    return text.str();
}

}  // namespace

void bind_faces(py::module_& module) {
    py::class_<Face>(module, "Face", "One face found in an image.")
        .def_property_readonly(
            "box", [](const Face& face) { return tuple_of(face.box); },
            "(x, y, width, height) in pixels of the upright image.")
        .def_property_readonly(
            "landmarks", &landmarks,
            "float32 (5, 2): image-left eye, image-right eye, nose tip, image-left and image-right "
            "mouth corner, in pixels (a copy).")
        .def_readonly("confidence", &Face::confidence, "0 to 1, the detector's.")
        .def_readonly("quality", &Face::quality, "0 to 1, how well the face can be told from others.")
        .def_property_readonly(
            "embedding",
            [](const Face& face) {
                return py::array_t<float>(static_cast<py::ssize_t>(face.embedding.size()),
                                          face.embedding.data());
            },
            "Unit-length float32 vector (a copy): the dot product of two is the face similarity.")
        .def("__repr__", &repr);

    const FaceOptions defaults;
    py::class_<FaceFinder>(module, "FaceFinder",
                           "Finds faces and describes each with an embedding. Thread safe.")
        .def(py::init([](const std::shared_ptr<ModelStore>& models, double min_confidence, int min_side,
                         int max_long_side, const std::string& embedder) {
                 py::gil_scoped_release loading_models_is_slow;
                 return FaceFinder::open(models, {min_confidence, min_side, max_long_side, embedder});
             }),
             "models"_a, py::kw_only(), "min_confidence"_a = defaults.min_confidence,
             "min_side"_a = defaults.min_side, "max_long_side"_a = defaults.max_long_side,
             "embedder"_a = defaults.embedder)
        .def("find", &find, "image"_a.noconvert(), R"doc(
Find faces, largest first (by the part of the box inside the image).

Args:
    image: uint8 pixels shaped (height, width) or (height, width, 3), RGB, C-contiguous.
        Borrowed without copying: do not write to it until the call returns.

Returns:
    A list of Face; empty when there is none.

Raises:
    BadInputError: the array has another shape.

The GIL is released while searching.
)doc")
        .def("find_in_selfie", &find_in_selfie, "image"_a.noconvert(),
             "As find(); a face that fills the frame is looked for again in a padded, smaller view.")
        .def_property_readonly(
            "embedder", [](const FaceFinder& finder) { return finder.embedder().name; },
            "The embedding model; embeddings of two models must not be compared.");
}

}  // namespace eventlens::python
