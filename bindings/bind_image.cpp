#include "python_types.h"

namespace eventlens::python {

namespace {

PixelArray decode(const py::bytes& encoded, int long_side) {
    const auto bytes = bytes_of(encoded);
    Image image;
    {
        py::gil_scoped_release other_threads_may_run;
        DecodeOptions options;
        options.enough_long_side = long_side;
        image = decode_photo(bytes, options).image;
    }
    return array_of(std::move(image));
}

py::bytes to_jpeg(const PixelArray& image, int quality) {
    const ImageView view = view_of(image);
    std::vector<std::byte> encoded;
    {
        py::gil_scoped_release other_threads_may_run;
        encoded = encode_jpeg(view, quality);
    }
    return {reinterpret_cast<const char*>(encoded.data()), encoded.size()};
}

PixelArray shrink(const PixelArray& image, int width, int height) {
    const ImageView view = view_of(image);
    Image result;
    {
        py::gil_scoped_release other_threads_may_run;
        result = resize_image(view, {width, height});
    }
    return array_of(std::move(result));
}

}  // namespace

void bind_image(py::module_& module) {
    module.def("decode_image", &decode, "encoded"_a, py::kw_only(), "enough_long_side"_a = 0, R"doc(
Decode JPEG, PNG, WebP, TIFF or HEIC bytes into upright pixels.

Args:
    encoded: The file's bytes.
    enough_long_side: A JPEG may be decoded at a half, a quarter or an eighth of its size as long as its long side
        keeps this many pixels. 0: whole.

Returns:
    uint8 pixels shaped (height, width, 3), RGB.

Raises:
    BadInputError: broken, truncated, or larger than 150 million pixels.
    UnsupportedError: another format.

Thread safe; the GIL is released.
)doc");
    module.def("encode_jpeg", &to_jpeg, "image"_a.noconvert(), py::kw_only(), "quality"_a = 90, R"doc(
Encode uint8 pixels shaped (height, width) or (height, width, 3), RGB, as JPEG bytes; quality is 1 to 100.
)doc");
    module.def("resize_image", &shrink, "image"_a.noconvert(), "width"_a, "height"_a, R"doc(
Resize uint8 pixels to (height, width): by area when it shrinks, bilinear when it grows.
)doc");
}

}  // namespace eventlens::python
