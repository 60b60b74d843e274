#include "bibs/bib_reader_impl.h"
#include "eventlens/error.h"

namespace eventlens {

BibReader::BibReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BibReader::BibReader(BibReader&&) noexcept = default;
BibReader& BibReader::operator=(BibReader&&) noexcept = default;
BibReader::~BibReader() = default;

BibReader BibReader::open(std::shared_ptr<const ModelStore> models, const BibOptions& options) {
    if (options.reader == "tesseract") return BibReader(open_tesseract_reader());
    if (!models) throw Error(ErrorCode::not_found, "the bib reader '" + options.reader + "' needs models");
    const std::string recognizer = options.reader == "paddle" ? std::string() : options.reader;
    return BibReader(open_network_reader(std::move(models), options, recognizer));
}

std::vector<BibRead> BibReader::read_text(ImageView image, std::span<const Face> faces) const {
    if (!image.pixels || image.size.width < 1 || image.size.height < 1 || image.format != PixelFormat::rgb8) {
        throw Error(ErrorCode::bad_input, "bibs are read in RGB images that are not empty");
    }
    return impl_->read_text(image, faces);
}

std::vector<Bib> BibReader::read(ImageView image, std::span<const Face> faces) const {
    return interpret_bibs(read_text(image, faces), {});
}

}  // namespace eventlens
