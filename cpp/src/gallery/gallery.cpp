#include "eventlens/gallery.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "eventlens/error.h"
#include "gallery/evidence.h"
#include "gallery/gallery_impl.h"

namespace eventlens {

namespace {

constexpr int most_dimensions = 8192;
constexpr std::size_t faces_weighed_per_photo = 4;  // of MatchOptions::limit

void check(bool holds, const char* otherwise) {
    if (!holds) throw Error(ErrorCode::bad_input, otherwise);
}

// Fails for NaN too.
bool is_share(double x) {
    return x >= 0 && x <= 1;
}

void check_quality(float quality) {
    check(is_share(static_cast<double>(quality)), "the quality of a face must be 0 to 1");
}

void check_bibs(std::span<const Bib> bibs) {
    for (const Bib& bib : bibs) check(is_share(bib.probability), "the probability of a bib must be 0 to 1");
}

void check_options(const MatchOptions& options) {
    check(options.limit >= 1, "a search must be allowed at least one photo");
    check(is_share(options.min_probability), "the least probability of a match must be 0 to 1");
    check(options.expected_photos > 0 && std::isfinite(options.expected_photos),
          "the expected photos of a person must be more than 0");
    check(std::isfinite(options.quality_evidence), "the evidence of quality must be finite");
    check(options.expansion_rounds >= 0 && options.expansion_faces >= 0 &&
              is_share(options.expansion_probability),
          "query expansion needs a probability of 0 to 1 and counts that are not negative");
}

// Eight sums beside each other: one alone would wait for itself.
double sum_of_squares(std::span<const float> vector) {
    std::array<double, 8> sums{};
    std::size_t i = 0;
    for (; i + sums.size() <= vector.size(); i += sums.size()) {
        for (std::size_t k = 0; k < sums.size(); ++k) {
            const auto x = static_cast<double>(vector[i + k]);
            sums[k] += x * x;
        }
    }
    for (; i < vector.size(); ++i) sums[0] += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

float cosine(std::span<const float> a, std::span<const float> b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
}

// What is known of a person's looks: unit vectors and the qualities of the faces they come from.
class Likeness {
  public:
    explicit Likeness(std::size_t dimensions) : sum_(dimensions) {}

    void add(std::span<const float> unit, double quality) {
        for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += static_cast<double>(unit[i]);
        qualities_ += quality;
        ++count_;
    }

    // The vector is row `row` of the gallery.
    void join(std::size_t row, std::span<const float> unit, double quality) {
        add(unit, quality);
        joined_[row] = quality;
    }

    bool anyone_joined() const { return !joined_.empty(); }

    // Shorter than a unit vector: its dot product with a face is the mean of the cosines.
    Embedding mean() const {
        Embedding mean(sum_.size());
        std::transform(sum_.begin(), sum_.end(), mean.begin(),
                       [&](double x) { return static_cast<float>(x / count_); });
        return mean;
    }

    // The mean cosine of a row to the vectors and their mean quality, given the row's dot product with
    // mean(). A row that joined is left out of the means.
    struct View {
        double similarity = 0;
        double quality = 0;
    };
    View seen_from(std::size_t row, float dot) const {
        const auto own = joined_.find(row);
        if (own == joined_.end()) return {static_cast<double>(dot), qualities_ / count_};
        return {(count_ * static_cast<double>(dot) - 1) / (count_ - 1),
                (qualities_ - own->second) / (count_ - 1)};
    }

  private:
    std::vector<double> sum_;
    double qualities_ = 0;
    double count_ = 0;
    std::map<std::size_t, double> joined_;
};

// How the pages, the bib index and the server show matches: surest first, and always in the same order.
bool ranks_before(const Match& a, const Match& b) {
    return std::tuple(-a.probability, -a.similarity, a.photo) <
           std::tuple(-b.probability, -b.similarity, b.photo);
}

bool bib_ranks_before(const Match& a, const Match& b) {
    return std::tuple(a.kind, -a.probability, a.photo) < std::tuple(b.kind, -b.probability, b.photo);
}

// A photo of the person, and the row of its face.
struct Candidate {
    Match match;
    std::size_t row = 0;
};

// One candidate for each photo with a face among `hits`, the rows most like the person, surest first.
std::vector<Candidate> weigh(const Gallery::Impl& gallery, const Likeness& person,
                             std::span<const RowScore> hits, const MatchOptions& options) {
    const Calibration& calibration = gallery.options.calibration;
    const double prior = log_prior_odds(gallery.owners.size() - gallery.hidden_faces, options);

    struct Seen {
        Candidate best;
        std::vector<double> log_odds;  // of every face of the photo
    };
    std::map<PhotoId, Seen> photos;
    for (const RowScore& hit : hits) {
        const Gallery::Impl::Owner& owner = gallery.owners[hit.row];
        const auto [similarity, quality] = person.seen_from(hit.row, hit.score);
        const double log_odds =
            prior + log_likelihood_ratio(similarity, quality, static_cast<double>(owner.quality), calibration,
                                         options);
        Seen& seen = photos[owner.photo];
        if (std::all_of(seen.log_odds.begin(), seen.log_odds.end(), [&](double x) { return log_odds > x; })) {
            seen.best.row = hit.row;
            seen.best.match.photo = owner.photo;
            seen.best.match.face = owner.face;
            seen.best.match.box = owner.box;
            seen.best.match.similarity = static_cast<float>(similarity);
        }
        seen.log_odds.push_back(log_odds);
    }

    std::vector<Candidate> candidates;
    candidates.reserve(photos.size());
    for (auto& [photo, seen] : photos) {
        seen.best.match.probability = probability_of(log_odds_of_any(seen.log_odds));
        candidates.push_back(seen.best);
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return ranks_before(a.match, b.match); });
    return candidates;
}

}  // namespace

Gallery::Impl::Impl(std::size_t dimensions_, const GalleryOptions& options_)
    : dimensions(dimensions_), options(options_), matrix(dimensions_, score_rows_by(options_.kernel)) {}

Embedding Gallery::Impl::normalised(std::span<const float> embedding) const {
    check(embedding.size() == dimensions, "the embedding has another length than the gallery's");
    const double length = std::sqrt(sum_of_squares(embedding));
    check(length > 0 && std::isfinite(length), "the embedding is not finite, or all zeros");
    Embedding unit(dimensions);
    std::transform(embedding.begin(), embedding.end(), unit.begin(), [shrink = 1 / length](float x) {
        return static_cast<float>(static_cast<double>(x) * shrink);
    });
    return unit;
}

void Gallery::Impl::add_faces(PhotoId id, Photo& photo, std::span<const Face> faces,
                              std::span<const Embedding> embeddings) {
    for (std::size_t i = 0; i < faces.size(); ++i) {
        photo.rows.push_back(owners.size());
        owners.push_back({id, faces[i].box, faces[i].quality, static_cast<int>(i), photo.hidden});
        matrix.append(embeddings[i]);
    }
    if (photo.hidden) hidden_faces += faces.size();
}

void Gallery::Impl::remove_faces(Photo& photo) {
    if (photo.hidden) hidden_faces -= photo.rows.size();
    std::sort(photo.rows.begin(), photo.rows.end());
    while (!photo.rows.empty()) {  // from the end, so that a row that moves is never one of these
        const std::size_t row = photo.rows.back();
        photo.rows.pop_back();
        const std::size_t last = owners.size() - 1;
        if (row != last) {
            std::vector<std::size_t>& rows = photos.at(owners[last].photo).rows;
            *std::find(rows.begin(), rows.end(), last) = row;
            owners[row] = owners[last];
        }
        owners.pop_back();
        matrix.remove_by_swap(row);
    }
}

void Gallery::Impl::replace_bibs(PhotoId id, Photo& photo, std::span<const Bib> bibs) {
    bib_index.remove(id, photo.bibs);
    photo.bibs.clear();
    for (const Bib& bib : bibs) photo.bibs.push_back(BibIndex::folded(bib.text));
    bib_index.add(id, bibs);
}

std::vector<RowScore> Gallery::Impl::nearest_rows(std::span<const float> query, std::size_t count) const {
    const auto before = [this](std::size_t a, std::size_t b) {
        return std::tuple(owners[a].photo, owners[a].face) < std::tuple(owners[b].photo, owners[b].face);
    };
    TopRows best(std::min(count, owners.size()), before);
    matrix.scan(query, [&](std::size_t first, std::span<const float> scores) {
        for (std::size_t i = 0; i < scores.size(); ++i) {
            if (scores[i] >= best.bound() && !owners[first + i].hidden) best.offer({first + i, scores[i]});
        }
    });
    return std::move(best).best_first();
}

Gallery::Gallery(int dimensions, const GalleryOptions& options) {
    check(dimensions >= 1 && dimensions <= most_dimensions,
          "a gallery needs embeddings of 1 to 8192 dimensions");
    check(std::isfinite(options.calibration.slope) && std::isfinite(options.calibration.offset),
          "the calibration of the face model must be finite");
    impl_ = std::make_unique<Impl>(static_cast<std::size_t>(dimensions), options);
}

Gallery::Gallery(Gallery&&) noexcept = default;
Gallery& Gallery::operator=(Gallery&&) noexcept = default;
Gallery::~Gallery() = default;

void Gallery::put(PhotoId photo, std::span<const Face> faces, std::span<const Bib> bibs) {
    std::vector<Embedding> embeddings;
    embeddings.reserve(faces.size());
    for (const Face& face : faces) {
        check_quality(face.quality);
        embeddings.push_back(impl_->normalised(face.embedding));
    }
    check_bibs(bibs);

    Impl::Photo& entry = impl_->photos[photo];
    impl_->remove_faces(entry);
    impl_->add_faces(photo, entry, faces, embeddings);
    impl_->replace_bibs(photo, entry, bibs);
}

void Gallery::set_bibs(PhotoId photo, std::span<const Bib> bibs) {
    const auto found = impl_->photos.find(photo);
    if (found == impl_->photos.end())
        throw Error(ErrorCode::not_found, "the gallery does not know this photo");
    check_bibs(bibs);
    impl_->replace_bibs(photo, found->second, bibs);
}

bool Gallery::remove(PhotoId photo) {
    const auto found = impl_->photos.find(photo);
    if (found == impl_->photos.end()) return false;
    impl_->remove_faces(found->second);
    impl_->replace_bibs(photo, found->second, {});
    impl_->photos.erase(found);
    return true;
}

bool Gallery::hide(PhotoId photo, bool hidden) {
    const auto found = impl_->photos.find(photo);
    if (found == impl_->photos.end()) return false;
    Impl::Photo& entry = found->second;
    if (entry.hidden == hidden) return true;
    entry.hidden = hidden;
    for (const std::size_t row : entry.rows) impl_->owners[row].hidden = hidden;
    if (hidden) {
        impl_->hidden_faces += entry.rows.size();
    } else {
        impl_->hidden_faces -= entry.rows.size();
    }
    return true;
}

GalleryStats Gallery::stats() const {
    GalleryStats stats;
    stats.photos = impl_->photos.size();
    stats.faces = impl_->owners.size();
    stats.hidden_faces = impl_->hidden_faces;
    stats.memory_bytes = sizeof(Impl) + impl_->matrix.memory_bytes() + impl_->bib_index.memory_bytes() +
                         impl_->owners.capacity() * sizeof(Impl::Owner) +
                         impl_->photos.bucket_count() * sizeof(void*);
    for (const auto& [id, photo] : impl_->photos) {
        stats.hidden_photos += photo.hidden ? 1 : 0;
        stats.bibs += photo.bibs.size();
        stats.memory_bytes += sizeof(std::pair<const PhotoId, Impl::Photo>) + 2 * sizeof(void*) +
                              photo.rows.capacity() * sizeof(std::size_t) +
                              photo.bibs.capacity() * sizeof(std::string);
    }
    return stats;
}

int Gallery::dimensions() const {
    return static_cast<int>(impl_->dimensions);
}

std::vector<FaceHit> Gallery::nearest(std::span<const float> embedding, std::size_t count) const {
    std::vector<FaceHit> hits;
    for (const RowScore& best : impl_->nearest_rows(impl_->normalised(embedding), count)) {
        const Impl::Owner& owner = impl_->owners[best.row];
        hits.push_back({owner.photo, owner.face, best.score});
    }
    return hits;
}

std::vector<Match> Gallery::match_faces(std::span<const Probe> probes, const MatchOptions& options) const {
    check(!probes.empty(), "a search for a person needs at least one face");
    check_options(options);
    if (!(impl_->options.calibration.slope > 0)) {
        throw Error(ErrorCode::unsupported,
                    "the face model has no calibration, so similarities say no probability");
    }

    Likeness given(impl_->dimensions);
    for (const Probe& probe : probes) {
        check_quality(probe.quality);
        given.add(impl_->normalised(probe.embedding), static_cast<double>(probe.quality));
    }
    const Embedding mean_probe = given.mean();

    const std::size_t weighed = faces_weighed_per_photo * static_cast<std::size_t>(options.limit);
    std::vector<Candidate> candidates =
        weigh(*impl_, given, impl_->nearest_rows(mean_probe, weighed), options);
    for (int round = 0; round < options.expansion_rounds; ++round) {
        Likeness person = given;
        for (const Candidate& candidate :
             std::span(candidates)
                 .first(std::min(candidates.size(), static_cast<std::size_t>(options.expansion_faces)))) {
            if (candidate.match.probability < options.expansion_probability) break;
            person.join(candidate.row, impl_->matrix.row(candidate.row),
                        static_cast<double>(impl_->owners[candidate.row].quality));
        }
        if (!person.anyone_joined()) break;
        candidates = weigh(*impl_, person, impl_->nearest_rows(person.mean(), weighed), options);
    }

    std::vector<Match> matches;
    for (Candidate& candidate : candidates) {
        if (matches.size() == static_cast<std::size_t>(options.limit)) break;
        if (candidate.match.probability < options.min_probability) break;
        candidate.match.similarity = cosine(mean_probe, impl_->matrix.row(candidate.row));
        matches.push_back(std::move(candidate.match));
    }
    return matches;
}

std::vector<Match> Gallery::find_bib(std::string_view text) const {
    std::vector<Match> reads = impl_->bib_index.find(BibIndex::folded_query(text));
    std::erase_if(reads, [&](const Match& match) { return impl_->is_hidden(match.photo); });
    std::map<PhotoId, Match> photos;  // the best read of each
    for (Match& read : reads) {
        const auto [place, is_new] = photos.try_emplace(read.photo, read);
        if (!is_new && bib_ranks_before(read, place->second)) place->second = std::move(read);
    }
    std::vector<Match> matches;
    matches.reserve(photos.size());
    for (auto& [photo, match] : photos) matches.push_back(std::move(match));
    std::sort(matches.begin(), matches.end(), bib_ranks_before);
    return matches;
}

}  // namespace eventlens
