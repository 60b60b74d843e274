#include <png.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "image/c_escape.h"
#include "image/codec.h"

namespace eventlens {

namespace {

struct Source {
    std::span<const std::byte> left;
};

void on_error(png_structp codec, png_const_charp message) {
    static_cast<CEscape*>(png_get_error_ptr(codec))->leave(ErrorCode::bad_input, message);
}

void on_warning(png_structp, png_const_charp) {}  // ancillary chunks only: the pixels are whole

void read_bytes(png_structp codec, png_bytep to, std::size_t count) {
    auto& left = static_cast<Source*>(png_get_io_ptr(codec))->left;
    if (count > left.size()) png_error(codec, "PNG ends too early");
    std::memcpy(to, left.data(), count);
    left = left.subspan(count);
}

struct Reader {
    Reader()
        : codec(png_create_read_struct(PNG_LIBPNG_VER_STRING, &escape, on_error, on_warning)),
          info(codec ? png_create_info_struct(codec) : nullptr) {
        if (!info) throw Error(ErrorCode::overloaded, "no memory for a PNG decoder");
    }
    ~Reader() { png_destroy_read_struct(&codec, &info, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    CEscape escape;
    png_structp codec;
    png_infop info;
};

struct Writer {
    Writer()
        : codec(png_create_write_struct(PNG_LIBPNG_VER_STRING, &escape, on_error, on_warning)),
          info(codec ? png_create_info_struct(codec) : nullptr) {
        if (!info) throw Error(ErrorCode::overloaded, "no memory for a PNG encoder");
    }
    ~Writer() { png_destroy_write_struct(&codec, &info); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    CEscape escape;
    png_structp codec;
    png_infop info;
};

// Runs inside of libpng: an exception must not leave it.
void append_bytes(png_structp codec, png_bytep from, std::size_t count) {
    auto& encoded = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(codec));
    bool fits = true;
    try {
        const auto* begin = reinterpret_cast<const std::byte*>(from);
        encoded.insert(encoded.end(), begin, begin + count);
    } catch (const std::bad_alloc&) {
        fits = false;
    }
    if (!fits) png_error(codec, "no memory for the PNG");
}

}  // namespace

Decoded decode_png(std::span<const std::byte> encoded, const DecodeLimits& limits) {
    Reader reader;
    Source source{encoded};
    reader.escape.guard([&] {
        png_set_read_fn(reader.codec, &source, read_bytes);
        png_read_info(reader.codec, reader.info);
    });

    Decoded decoded;
    decoded.full_size = checked_size(png_get_image_width(reader.codec, reader.info),
                                     png_get_image_height(reader.codec, reader.info), limits);
    const Size size = decoded.full_size;

    // Every kind becomes 8-bit RGB or RGBA; a transparent colour becomes alpha.
    reader.escape.guard([&] {
        png_set_expand(reader.codec);
        png_set_scale_16(reader.codec);
        png_set_gray_to_rgb(reader.codec);
        png_set_interlace_handling(reader.codec);
        png_read_update_info(reader.codec, reader.info);
    });
    const bool has_alpha = png_get_channels(reader.codec, reader.info) == 4;

    decoded.image = Image(size, PixelFormat::rgb8);
    const std::size_t count = static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
    std::vector<std::uint8_t> rgba(has_alpha ? count * 4 : 0);
    std::uint8_t* pixels = has_alpha ? rgba.data() : decoded.image.pixels().data();
    std::vector<png_bytep> rows(static_cast<std::size_t>(size.height));
    const std::size_t row_bytes = png_get_rowbytes(reader.codec, reader.info);
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = pixels + y * row_bytes;

    reader.escape.guard([&] {
        png_read_image(reader.codec, rows.data());
        png_read_end(reader.codec, reader.info);  // also reads an eXIf chunk behind the pixels
    });
    if (has_alpha) blend_over_white(rgba.data(), count, decoded.image.pixels().data());

    png_bytep exif = nullptr;
    png_uint_32 exif_size = 0;
    if (png_get_eXIf_1(reader.codec, reader.info, &exif_size, &exif) != 0) {
        decoded.exif = read_exif(std::as_bytes(std::span(exif, exif_size)));
    }
    return decoded;
}

std::vector<std::byte> encode_png(ImageView image) {
    if (!image.pixels || image.size.width <= 0 || image.size.height <= 0) {
        throw Error(ErrorCode::bad_input, "cannot encode an empty image");
    }
    std::vector<std::byte> encoded;
    Writer writer;
    writer.escape.guard([&] {
        png_set_write_fn(writer.codec, &encoded, append_bytes, nullptr);
        png_set_IHDR(writer.codec, writer.info, static_cast<png_uint_32>(image.size.width),
                     static_cast<png_uint_32>(image.size.height), 8,
                     image.format == PixelFormat::gray8 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(writer.codec, writer.info);
        for (int y = 0; y < image.size.height; ++y) {
            png_write_row(writer.codec, image.pixels + y * image.row_bytes);
        }
        png_write_end(writer.codec, nullptr);
    });
    return encoded;
}

}  // namespace eventlens
