#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "bibs/evidence.h"
#include "bibs/geometry.h"
#include "bibs/places.h"
#include "eventlens/error.h"
#include "eventlens/tracks.h"
#include "tracks/assignment.h"
#include "tracks/track.h"

namespace eventlens {

namespace {

constexpr int nobody = -1;

// Above the costs of all that is possible: continuing somebody is always worth more than losing them and
// finding somebody new.
constexpr double continuing = 24;

// Costs, in logarithms of odds, by which another pairing may differ and still be in question.
constexpr double close_call = 4;
constexpr double far_off = 4;  // squared standard deviations; further, motion alone does not say much

// Odds, as logarithms, that a face where somebody was expected is theirs, before the embeddings are compared.
constexpr double odds_of_motion = 4;
constexpr double odds_in_doubt = 2;
// And those that embeddings must reach to take a face for somebody else's.
constexpr double odds_to_rejoin = 3;
constexpr double fit_to_compare = 0.4;  // quality; worse faces resemble nobody, not even themselves
constexpr double reach = 5;             // standard deviations within which somebody can turn up again

// Where bibs hang below 158 faces of race photos: half of them within 0.2 face heights beside and between 2.3
// and 3.5 below; on one person they swing less.
constexpr double usual_below = 2.9;
constexpr double usual_aside_spread = 0.4;
constexpr double usual_below_spread = 0.9;
constexpr double swing = 0.35;
constexpr double too_odd = 16;         // squared standard deviations
constexpr double bib_per_unit = 0.45;  // height of a bib's text, in faces

double costs_of(const Misfit& misfit) {
    return misfit.squared + 4 * std::log(misfit.spread);
}

double dot(const Embedding& a, const Embedding& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

Point centre_of(const Rect& box) {
    return {box.x + box.width / 2, box.y + box.height / 2};
}

// All reads at one place of a frame.
struct Sign {
    std::vector<BibRead> reads;
    std::size_t best = 0;  // the most telling read
    double tells = 0;

    const BibRead& read() const { return reads[best]; }
    Rect box() const { return box_around(read().corners); }
    double unit() const { return static_cast<double>(height_of(read().corners)) / bib_per_unit; }
    bool could_be_number() const {
        return tells > 0 && std::any_of(read().text.begin(), read().text.end(),
                                        [](char c) { return c >= '0' && c <= '9'; });
    }
};

std::vector<Sign> signs_of(std::span<const BibRead> reads) {
    std::map<int, Sign> places;
    for (const BibRead& read : reads) {
        Sign& sign = places[Evidence::of(read).place];
        const double tells = telling(read);
        if (sign.reads.empty() || tells > sign.tells) {
            sign.best = sign.reads.size();
            sign.tells = tells;
        }
        sign.reads.push_back(read);
    }
    std::vector<Sign> signs;
    signs.reserve(places.size());
    for (auto& [place, sign] : places) signs.push_back(std::move(sign));
    return signs;
}

Hang hang_of(const Rect& face, const Rect& bib) {
    const Point at = centre_of(bib);
    const double unit = std::max(1.0F, face.height);
    return {static_cast<double>(at.x - centre_of(face).x) / unit,
            static_cast<double>(at.y - (face.y + face.height)) / unit};
}

// How unlikely a bib hangs there, in squared standard deviations.
double odd_hang(const Hang& hang, const std::optional<Hang>& known) {
    if (known) {
        const double aside = (hang.aside - known->aside) / swing;
        const double below = (hang.below - known->below) / swing;
        return aside * aside + below * below;
    }
    const double aside = hang.aside / usual_aside_spread;
    const double below = (hang.below - usual_below) / usual_below_spread;
    return aside * aside + below * below;
}

}  // namespace

struct Tracker::Impl {
    TrackOptions options;
    std::vector<Track> tracks;
    std::vector<Appearance> ended;
    std::optional<double> last_time;  // of the last frame, else of the earlier footage's
    double last_duration = 0;
    bool begun = false;  // a frame was given

    // The last frame, until the next one comes: who is who is settled when its embeddings are there.
    struct Sighting {
        Face face;
        int track = nobody;  // its place in `tracks`; nobody: somebody new
        bool asked = false;
        bool doubtful = false;  // motion alone does not tell whose it is
    };
    struct Frame {
        double time = 0;
        double duration = 0;
        double came_into_view = 0;  // those first seen in it: the middle between the frame before and it
        std::vector<Sighting> sightings;
        std::vector<Sign> signs;
    };
    std::optional<Frame> frame;

    // --- Taking a frame in ---

    void end(Track& track, double latest) {
        if (track.sightings == 0) return;  // of the footage before; stored already
        const double out_of_view = track.missed ? (track.last_seen + *track.missed) / 2 : latest;
        const double until = std::min({out_of_view, latest, track.last_seen + options.longest_loss});
        ended.push_back(track.appearance(std::max(track.last_seen, until)));
    }

    bool is_lost(const Track& track, double time) const {
        const double unseen = time - track.last_seen;
        // Where frames are further apart than anybody may be lost, one seen in the last of them has not been
        // looked for since; but twice as long is too long to know them again.
        return unseen > (track.missed ? 1 : 2) * options.longest_loss + 1e-6;
    }

    void end_lost(double time) {
        for (Track& track : tracks) {
            if (is_lost(track, time)) end(track, (track.last_seen + time) / 2);
        }
        std::erase_if(tracks, [&](const Track& track) { return is_lost(track, time); });
    }

    void end_all(double latest) {
        for (Track& track : tracks) end(track, latest);
        tracks.clear();
    }

    Frame proposed(const FrameSightings& given) const {
        Frame made{given.time, given.duration, given.time, {}, signs_of(given.bib_reads)};
        if (last_time && *last_time < given.time) {
            made.came_into_view = std::max((*last_time + given.time) / 2, given.time - options.longest_loss);
        }
        Worth worth(tracks.size(), given.faces.size());
        for (std::size_t t = 0; t < tracks.size(); ++t) {
            if (!tracks[t].has_face) continue;
            for (std::size_t f = 0; f < given.faces.size(); ++f) {
                const Rect& box = given.faces[f].box;
                const Misfit misfit =
                    tracks[t].motion.misfit(box, static_cast<double>(box.height), given.time);
                if (!misfit.impossible) worth.at(t, f) = continuing - costs_of(misfit);
            }
        }
        for (const Face& face : given.faces) {
            made.sightings.push_back({face});
            made.sightings.back().face.embedding.clear();
        }
        const std::vector<int> face_of = assign(worth);
        for (std::size_t t = 0; t < face_of.size(); ++t) {
            if (face_of[t] == nobody) continue;
            const auto f = static_cast<std::size_t>(face_of[t]);
            made.sightings[f].track = static_cast<int>(t);
            const bool far =
                tracks[t]
                    .motion
                    .misfit(given.faces[f].box, static_cast<double>(given.faces[f].box.height), given.time)
                    .squared > far_off;
            const bool long_lost =
                given.time - tracks[t].last_seen > options.longest_loss / 2 && tracks[t].missed;
            made.sightings[f].doubtful = far || long_lost || is_close_call(worth, face_of, t);
        }
        return made;
    }

    // Whether it would have been about as good to pair this track and its face otherwise: with a face or a
    // track left over, or by exchanging faces with another track.
    static bool is_close_call(const Worth& worth, const std::vector<int>& face_of, std::size_t track) {
        const std::size_t face = at(face_of[track]);
        const double enough = worth.at(track, face) - close_call;
        std::vector<char> paired(worth.columns(), 0);
        for (std::size_t t = 0; t < worth.rows(); ++t) {
            if (face_of[t] == nobody) {
                if (worth.at(t, face) > std::max(0.0, enough)) return true;
                continue;
            }
            const std::size_t f = at(face_of[t]);
            paired[f] = 1;
            if (t == track || !(worth.at(t, face) > 0)) continue;
            if (worth.at(t, face) + std::max(0.0, worth.at(track, f)) > enough + worth.at(t, f)) return true;
        }
        for (std::size_t f = 0; f < worth.columns(); ++f) {
            if (!paired[f] && worth.at(track, f) > std::max(0.0, enough)) return true;
        }
        return false;
    }

    // Faces that make an appearance's embedding better, and those that tell whether it is one person's.
    std::vector<int> wanted() {
        std::vector<int> faces;
        for (std::size_t f = 0; f < frame->sightings.size(); ++f) {
            Sighting& sighting = frame->sightings[f];
            const float quality = sighting.face.quality;
            const Track* track = sighting.track == nobody ? nullptr : &tracks[at(sighting.track)];
            const bool better = track ? track->looks.wants(quality, frame->time)
                                      : Looks(options.embeddings).wants(quality, frame->time);
            const bool telling_apart = track && sighting.doubtful && can_compare(*track, sighting.face);
            sighting.asked = better || telling_apart;
            if (sighting.asked) faces.push_back(static_cast<int>(f));
        }
        return faces;
    }

    static std::size_t at(int place) { return static_cast<std::size_t>(place); }

    // --- Who is who ---

    bool can_compare(const Track& track, const Face& face) const {
        const bool looked = track.looks.count() > 0;
        const double quality = looked ? track.looks.mean_quality() : track.earlier_quality;
        return options.calibration.slope > 0 && (looked || !track.earlier.empty()) &&
               quality >= fit_to_compare && static_cast<double>(face.quality) >= fit_to_compare;
    }

    // log(P(these looks | one person) / P(the same | two)); 0 where they do not tell.
    double resemblance(const Track& track, const Face& face) const {
        if (face.embedding.empty() || !can_compare(track, face)) return 0;
        const Embedding known = track.looks.count() > 0 ? track.looks.mean() : track.earlier;
        if (known.size() != face.embedding.size()) return 0;
        return options.calibration.slope * dot(known, face.embedding) + options.calibration.offset;
    }

    // Takes faces from tracks that they do not resemble, and gives faces that are free to free tracks nearby
    // that they do: two who were mistaken for each other change back.
    void tell_apart() {
        for (Sighting& sighting : frame->sightings) {
            if (sighting.track == nobody) continue;
            const double expected = sighting.doubtful ? odds_in_doubt : odds_of_motion;
            if (resemblance(tracks[at(sighting.track)], sighting.face) < -expected) sighting.track = nobody;
        }
        std::vector<char> taken(tracks.size(), 0);
        for (const Sighting& sighting : frame->sightings) {
            if (sighting.track != nobody) taken[at(sighting.track)] = 1;
        }
        Worth worth(tracks.size(), frame->sightings.size());
        for (std::size_t t = 0; t < tracks.size(); ++t) {
            for (std::size_t f = 0; f < frame->sightings.size(); ++f) {
                const Sighting& sighting = frame->sightings[f];
                if (taken[t] || sighting.track != nobody || !tracks[t].has_face) continue;
                const Rect& box = sighting.face.box;
                const Misfit misfit =
                    tracks[t].motion.misfit(box, static_cast<double>(box.height), frame->time);
                if (misfit.squared > reach * reach) continue;
                worth.at(t, f) = resemblance(tracks[t], sighting.face) - odds_to_rejoin;
            }
        }
        const std::vector<int> face_of = assign(worth);
        for (std::size_t t = 0; t < face_of.size(); ++t) {
            if (face_of[t] != nobody) frame->sightings[at(face_of[t])].track = static_cast<int>(t);
        }
    }

    int begin(Rect box, double unit, bool is_face) {
        tracks.emplace_back(options, box, unit, frame->time, is_face);
        tracks.back().start = frame->came_into_view;
        return static_cast<int>(tracks.size()) - 1;
    }

    void place_faces() {
        for (Sighting& sighting : frame->sightings) {
            const Rect& box = sighting.face.box;
            const auto unit = static_cast<double>(box.height);
            if (sighting.track == nobody) {
                sighting.track = begin(box, unit, true);
            } else {
                tracks[at(sighting.track)].motion.move(box, unit, frame->time);
            }
            Track& track = tracks[at(sighting.track)];
            track.sight(frame->time, box);
            if (sighting.face.embedding.empty()) {
                track.looks.see(sighting.face, frame->time);
            } else {
                track.looks.add(sighting.face, frame->time);
            }
        }
    }

    // --- Whose bib is what ---

    // The face in this frame that a text hangs below most naturally, as a place in `sightings`.
    int wearer_in_view(const Sign& sign) const {
        int wearer = nobody;
        double least = 0;
        for (std::size_t f = 0; f < frame->sightings.size(); ++f) {
            const Face& face = frame->sightings[f].face;
            if (!is_near_face(sign.read().corners, std::span(&face, 1))) continue;
            const Track& track = tracks[at(frame->sightings[f].track)];
            const double odd = odd_hang(hang_of(face.box, sign.box()), track.hang);
            // Somebody else's, whose own face is hidden.
            if (track.hang && odd > too_odd && likeness(sign.read().text, track.reads.text()) < alike)
                continue;
            if (wearer == nobody || odd < least) {
                wearer = static_cast<int>(f);
                least = odd;
            }
        }
        return wearer;
    }

    // Somebody whose face is not seen in this frame but would be above the text, and who wore this number.
    int wearer_out_of_sight(const Sign& sign) const {
        int wearer = nobody;
        double least = too_odd;
        for (std::size_t t = 0; t < tracks.size(); ++t) {
            const Track& track = tracks[t];
            if (!track.has_face || !track.hang || track.last_seen == frame->time) continue;
            const Rect face = track.motion.box_at(frame->time);
            const double odd = odd_hang(hang_of(face, sign.box()), track.hang);
            if (likeness(sign.read().text, track.reads.text()) >= alike && odd < least) {
                wearer = static_cast<int>(t);
                least = odd;
            }
        }
        return wearer;
    }

    // For each sign the track without a face that it goes on with, or nobody.
    std::vector<int> followed(const std::vector<Sign>& signs) const {
        Worth worth(signs.size(), tracks.size());
        for (std::size_t s = 0; s < signs.size(); ++s) {
            if (!signs[s].could_be_number()) continue;
            for (std::size_t t = 0; t < tracks.size(); ++t) {
                const Track& track = tracks[t];
                if (track.has_face || track.last_seen == frame->time) continue;
                const Rect box = signs[s].box();
                const Misfit misfit = track.motion.misfit(box, signs[s].unit(), frame->time);
                const Rect expected = track.motion.box_at(frame->time);
                const bool same_text = likeness(signs[s].read().text, track.reads.text()) >= alike;
                const bool same_place =
                    shared_area(expected, box) > 0.5F * std::min(area_of(expected), area_of(box));
                if (misfit.impossible || !(same_text || same_place)) continue;
                worth.at(s, t) = continuing - costs_of(misfit) - (same_text ? 0 : close_call);
            }
        }
        return assign(worth);
    }

    // Whether somebody of whom only the bib was seen so far is the one whose face is above it now.
    bool are_one(const Track& without_face, const Track& with_face) const {
        const std::string text = with_face.reads.text();
        if (!text.empty()) return likeness(text, without_face.reads.text()) >= alike;
        // Who was seen apart before is not one.
        return with_face.first_seen > without_face.last_seen || without_face.first_seen > with_face.last_seen;
    }

    void wear(Track& track, const Rect& face, Sign sign) {
        if (sign.could_be_number()) {
            const Hang hang = hang_of(face, sign.box());
            track.hang =
                track.hang ? Hang{(track.hang->aside + hang.aside) / 2, (track.hang->below + hang.below) / 2}
                           : hang;
        }
        track.reads.add(frame->time, std::move(sign.reads));
    }

    // Moves a face out of sight along with the bib below it.
    void carry_on(Track& track, const Sign& sign) {
        const double time = frame->time;
        Rect face = track.motion.box_at(time);
        const Point at = centre_of(sign.box());
        face.x = at.x - static_cast<float>(track.hang->aside) * face.height - face.width / 2;
        face.y = at.y - static_cast<float>(track.hang->below + 1) * face.height;
        track.motion.move(face, static_cast<double>(face.height), time);
        track.sight(time, sign.box());
        track.reads.add(time, sign.reads);
    }

    void place_signs() {
        std::vector<std::size_t> absorbed;
        const std::vector<int> follows = followed(frame->signs);
        for (std::size_t s = 0; s < frame->signs.size(); ++s) {
            Sign& sign = frame->signs[s];
            const int known = follows.empty() ? nobody : follows[s];
            if (const int f = wearer_in_view(sign); f != nobody) {
                const Sighting& sighting = frame->sightings[at(f)];
                Track& wearer = tracks[at(sighting.track)];
                if (known == nobody) {
                    wear(wearer, sighting.face.box, std::move(sign));
                    continue;
                }
                if (are_one(tracks[at(known)], wearer)) {
                    wearer.absorb(std::move(tracks[at(known)]));
                    absorbed.push_back(at(known));
                    wear(wearer, sighting.face.box, std::move(sign));
                    continue;
                }
            }
            if (!sign.could_be_number()) continue;  // a banner
            if (known == nobody) {
                if (const int t = wearer_out_of_sight(sign); t != nobody) {
                    carry_on(tracks[at(t)], sign);
                    continue;
                }
            }
            const int t = known == nobody ? begin(sign.box(), sign.unit(), false) : known;
            Track& track = tracks[at(t)];
            if (known != nobody) track.motion.move(sign.box(), sign.unit(), frame->time);
            track.sight(frame->time, sign.box());
            track.reads.add(frame->time, std::move(sign.reads));
        }
        std::sort(absorbed.rbegin(), absorbed.rend());
        for (const std::size_t t : absorbed) tracks.erase(tracks.begin() + static_cast<std::ptrdiff_t>(t));
    }

    void settle() {
        if (!frame) return;
        tell_apart();
        place_faces();
        place_signs();
        for (Track& track : tracks) {
            if (track.last_seen < frame->time && !track.missed) track.missed = frame->time;
        }
        last_time = frame->time;
        last_duration = frame->duration;
        frame.reset();
    }
};

Tracker::Tracker(const TrackOptions& options, std::span<const Appearance> going_on)
    : impl_(std::make_unique<Impl>()) {
    impl_->options = options;
    for (std::size_t i = 0; i < going_on.size(); ++i) {
        const Appearance& seen = going_on[i];
        if (seen.path.empty()) continue;
        // A path holds faces where there were any, and a bib where the face was out of sight; whose box the
        // last one is, its shape tells: faces are higher than wide, numbers are not.
        const bool is_face = seen.face && seen.path.back().box.height >= seen.path.back().box.width;
        const auto unit_of = [&](const Rect& box) {
            return static_cast<double>(box.height) / (is_face ? 1 : bib_per_unit);
        };
        const auto last = std::min<std::size_t>(seen.path.size(), 2);
        const Waypoint& before = seen.path[seen.path.size() - last];
        const Waypoint& now = seen.path.back();
        Track track(options, before.box, unit_of(before.box), before.time, is_face);
        if (now.time > before.time) track.motion.move(now.box, unit_of(now.box), now.time);
        track.last_seen = now.time;
        track.missed = now.time;
        track.reads.recall(seen.bib_reads);
        track.start = seen.span.end;
        track.continues = static_cast<int>(i);
        if (seen.face) {
            track.earlier = seen.face->embedding;
            track.earlier_quality = static_cast<double>(seen.face->quality);
        }
        impl_->tracks.push_back(std::move(track));
        impl_->last_time = std::max(impl_->last_time.value_or(now.time), now.time);
    }
}

Tracker::Tracker(Tracker&&) noexcept = default;
Tracker& Tracker::operator=(Tracker&&) noexcept = default;
Tracker::~Tracker() = default;

std::vector<int> Tracker::observe(const FrameSightings& given) {
    impl_->settle();
    const std::optional<double>& last = impl_->last_time;
    if (!std::isfinite(given.time) || (impl_->begun && given.time <= *last)) {
        throw Error(ErrorCode::bad_input, "frames must be given in the order of their times");
    }
    if (given.scene_change) {
        impl_->end_all(last ? (*last + given.time) / 2 : given.time);
    } else {
        impl_->end_lost(given.time);
    }
    impl_->frame = impl_->proposed(given);
    impl_->begun = true;
    return impl_->wanted();
}

void Tracker::embedded(int face, const Embedding& embedding) {
    const bool asked = impl_->frame && face >= 0 && Impl::at(face) < impl_->frame->sightings.size() &&
                       impl_->frame->sightings[Impl::at(face)].asked;
    if (!asked) throw Error(ErrorCode::bad_input, "nobody asked for the embedding of this face");
    impl_->frame->sightings[Impl::at(face)].face.embedding = embedding;
}

bool Tracker::anyone() const {
    return !impl_->tracks.empty() || (impl_->frame && !impl_->frame->sightings.empty());
}

std::vector<Appearance> Tracker::take_ended() {
    std::vector<Appearance> taken = std::exchange(impl_->ended, {});
    std::stable_sort(taken.begin(), taken.end(),
                     [](const Appearance& a, const Appearance& b) { return a.span.start < b.span.start; });
    return taken;
}

std::vector<Appearance> Tracker::finish(double time) {
    impl_->settle();
    if (impl_->last_time) time = std::max(time, *impl_->last_time);
    // The last frame is shown until the next one would have been, at most.
    double shown_until = time;
    if (impl_->last_duration > 0) shown_until = std::min(time, *impl_->last_time + impl_->last_duration);
    for (Track& track : impl_->tracks) {
        const std::size_t before = impl_->ended.size();
        const bool in_view = !impl_->is_lost(track, time);
        impl_->end(track, track.missed || in_view ? shown_until : (track.last_seen + time) / 2);
        if (impl_->ended.size() > before) impl_->ended.back().goes_on = in_view;
    }
    impl_->tracks.clear();
    return take_ended();
}

}  // namespace eventlens
