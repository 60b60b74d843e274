#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "bibs/evidence.h"
#include "eventlens/catalog.h"
#include "eventlens/error.h"

// big_event WORKSPACE PHOTOS FACES_A_PHOTO EMBEDDER EMBEDDING
// Makes a workspace with an event of that many photos, each with so many faces of nobody (random directions)
// and a bib out of 8000. EMBEDDING is a file of floats: somebody's face, who is in one photo of 2000. Prints
// the event's id and a key.
namespace eventlens {
namespace {

constexpr std::int64_t photos_a_batch = 1000;
constexpr std::int64_t runners = 8000;
constexpr std::int64_t photos_a_sight = 2000;  // between two photos of the one that is looked for

std::vector<float> read_floats(const char* file) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    std::vector<float> floats(bytes.size() / sizeof(float));
    std::copy_n(bytes.data(), floats.size() * sizeof(float), reinterpret_cast<char*>(floats.data()));
    if (floats.empty()) throw Error(ErrorCode::not_found, std::string("no embedding in ") + file);
    return floats;
}

class Photos {
  public:
    explicit Photos(std::vector<float> somebody)
        : somebody_(std::move(somebody)), noise_(0, 1 / std::sqrt(static_cast<float>(somebody_.size()))) {}

    PhotoRecord make(std::int64_t number, int faces) {
        PhotoRecord photo;
        photo.key = "2026/finish/IMG_" + std::to_string(number) + ".jpg";
        photo.fingerprint = "12345678 1778311800";
        photo.size = {6000, 4000};
        photo.captured = CaptureTime{1'778'311'800'000 + number * 250, 120};
        photo.camera = "Canon EOS R5";
        for (int i = 0; i < faces; ++i) {
            Face& face = photo.faces.emplace_back();
            face.box = {100.0F + 300.0F * static_cast<float>(i), 200, 90, 110};
            face.confidence = 0.9F;
            face.quality = 0.8F;
            const bool seen = i == 0 && number % photos_a_sight == 0;
            face.embedding = one_like(seen ? 0.3F : 1.0F);
        }
        BibRead& read = photo.bib_reads.emplace_back();
        read.text = std::to_string(1000 + number % runners);
        read.confidences.assign(read.text.size(), 0.99F);
        read.corners = {{{300, 700}, {500, 700}, {500, 790}, {300, 790}}};
        read.evidence = Evidence{.detector_score = 0.95F, .near_face = true}.packed();
        return photo;
    }

  private:
    // Somebody's embedding with so much of a random one mixed in; nothing of it is left at 1.
    std::vector<float> one_like(float noise) {
        std::vector<float> mixed(somebody_.size());
        double squares = 0;
        for (std::size_t i = 0; i < mixed.size(); ++i) {
            mixed[i] = (1 - noise) * somebody_[i] + noise * noise_(random_);
            squares += static_cast<double>(mixed[i]) * static_cast<double>(mixed[i]);
        }
        for (float& component : mixed) component /= static_cast<float>(std::sqrt(squares));
        return mixed;
    }

    std::vector<float> somebody_;
    std::mt19937 random_{42};
    std::normal_distribution<float> noise_;
};

void make(char** words) {
    Catalog catalog = Catalog::open(words[1]);
    const EventId event = catalog.create_event({.name = "Race"});
    const SourceId source = catalog.add_source(event, "paths:");
    Photos photos(read_floats(words[5]));
    const std::int64_t count = std::atoll(words[2]);
    for (std::int64_t first = 0; first < count; first += photos_a_batch) {
        std::vector<PhotoRecord> batch;
        for (std::int64_t number = first; number < std::min(count, first + photos_a_batch); ++number)
            batch.push_back(photos.make(number, std::atoi(words[3])));
        catalog.put_batch(source, {.embedder = words[4], .reader = "paddle"}, batch);
    }
    std::cout << event << " " << catalog.create_key(default_organisation).key << "\n";
}

}  // namespace
}  // namespace eventlens

int main(int count, char** words) {
    if (count != 6) {
        std::cerr << "usage: big_event WORKSPACE PHOTOS FACES_A_PHOTO EMBEDDER EMBEDDING\n";
        return 2;
    }
    try {
        eventlens::make(words);
    } catch (const eventlens::Error& error) {
        std::cerr << "big_event: " << error.what() << "\n";
        return 3;
    }
}
