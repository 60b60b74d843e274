#pragma once

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <pybind11/typing.h>

#include "eventlens/engine.h"
#include "eventlens/error.h"
#include "eventlens/gallery.h"
#include "eventlens/image.h"
#include "eventlens/models.h"
#include "eventlens/video.h"

// What the bindings share: how pixels, boxes and bytes cross the border.
namespace eventlens::python {

namespace py = pybind11;
using namespace pybind11::literals;

using PixelArray = py::array_t<std::uint8_t, py::array::c_style>;

// Borrows the array's memory; the array must stay alive while the view is used.
inline ImageView view_of(const PixelArray& array) {
    const bool gray = array.ndim() == 2;
    if (!gray && !(array.ndim() == 3 && array.shape(2) == 3)) {
        throw Error(ErrorCode::bad_input,
                    "expected uint8 pixels shaped (height, width) or (height, width, 3)");
    }
    constexpr py::ssize_t largest_side = 65'500;
    if (array.shape(0) < 1 || array.shape(1) < 1 || array.shape(0) > largest_side ||
        array.shape(1) > largest_side) {
        throw Error(ErrorCode::bad_input, "expected an image of 1 to 65,500 pixels on each side");
    }
    return {array.data(),
            {static_cast<int>(array.shape(1)), static_cast<int>(array.shape(0))},
            array.strides(0),
            gray ? PixelFormat::gray8 : PixelFormat::rgb8};
}

// Hands the image's memory to numpy without copying it.
inline PixelArray array_of(Image&& image) {
    auto* owner = new Image(std::move(image));
    const py::capsule free_when_unused(owner, [](void* memory) { delete static_cast<Image*>(memory); });
    std::vector<py::ssize_t> shape{owner->size().height, owner->size().width};
    if (owner->format() == PixelFormat::rgb8) shape.push_back(3);
    return PixelArray(shape, owner->pixels().data(), free_when_unused);
}

// Borrows the memory of a bytes object.
inline std::span<const std::byte> bytes_of(const py::bytes& bytes) {
    const std::string_view view = bytes;
    return std::as_bytes(std::span(view));
}

using Box = py::typing::Tuple<float, float, float, float>;

inline Box tuple_of(const Rect& box) {
    return py::make_tuple(box.x, box.y, box.width, box.height);
}

// File names are bytes on Linux; Python carries those that are not UTF-8 as surrogate escapes (PEP 383).
inline py::str text_of_key(const std::string& key) {
    PyObject* text =
        PyUnicode_DecodeUTF8(key.data(), static_cast<py::ssize_t>(key.size()), "surrogateescape");
    if (!text) throw py::error_already_set();
    return py::reinterpret_steal<py::str>(text);
}

inline std::string key_of_text(const py::str& text) {
    PyObject* bytes = PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogateescape");
    if (!bytes) throw py::error_already_set();
    return py::reinterpret_steal<py::bytes>(bytes);
}

// "auto", "f32" or "bf16". Throws Error(bad_input) for other names.
Precision precision_of(const std::string& name);

// The word for it in Python, JSON and on the command line.
const char* name_of(MatchKind kind);

// `mode` is "exact" or "copy", else Error(bad_input). `progress` is None or a function of the part done;
// Ctrl-C ends the cut in any case.
CutOptions cut_options(const std::string& mode, int quality, const py::object& progress);

void bind_errors(py::module_& module);
void bind_image(py::module_& module);
void bind_models(py::module_& module);
void bind_faces(py::module_& module);
void bind_bibs(py::module_& module);
void bind_video(py::module_& module);
void bind_gallery(py::module_& module);
void bind_storage(py::module_& module);
void bind_engine(py::module_& module);
void bind_renditions(py::module_& module, py::class_<Engine>& engine);
void bind_access(py::module_& module, py::class_<Engine>& engine);
void bind_work(py::module_& module, py::class_<Engine>& engine);

}  // namespace eventlens::python
