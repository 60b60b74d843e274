#include "video/cut_h264.h"

#include <algorithm>
#include <bit>

namespace eventlens::h264 {

namespace {

constexpr int highest_sequence_id = 31;

void append(Bytes& to, View from) {
    to.insert(to.end(), from.begin(), from.end());
}

void append_length(Bytes& to, std::size_t length, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<std::uint8_t>(length >> 8 * i));
}

std::optional<std::vector<View>> split_by_lengths(View packet, std::size_t length_bytes) {
    std::vector<View> units;
    while (!packet.empty()) {
        if (packet.size() < length_bytes) return std::nullopt;
        std::size_t length = 0;
        for (const std::uint8_t byte : packet.first(length_bytes)) length = length << 8 | byte;
        packet = packet.subspan(length_bytes);
        if (length > packet.size()) return std::nullopt;
        if (length > 0) units.push_back(packet.first(length));
        packet = packet.subspan(length);
    }
    return units;
}

// Units stand behind 00 00 01, and zeros may trail them.
std::optional<std::vector<View>> split_by_start_codes(View packet) {
    constexpr std::uint8_t code[] = {0, 0, 1};
    const auto next_code = [&](View from) {
        return std::search(from.begin(), from.end(), std::begin(code), std::end(code)) - from.begin();
    };
    std::vector<View> units;
    View rest = packet.subspan(static_cast<std::size_t>(next_code(packet)));
    if (rest.empty() && !packet.empty()) return std::nullopt;
    while (!rest.empty()) {
        rest = rest.subspan(std::size(code));
        View unit = rest.first(static_cast<std::size_t>(next_code(rest)));
        rest = rest.subspan(unit.size());
        while (!unit.empty() && unit.back() == 0) unit = unit.first(unit.size() - 1);
        if (!unit.empty()) units.push_back(unit);
    }
    return units;
}

// An unsigned number in Exp-Golomb code (9.1), of at most 16 bits; ids are smaller than that.
int read_number(View bytes) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) bits = bits << 8 | (i < bytes.size() ? bytes[i] : 0);
    const int zeros = std::countl_zero(bits);
    if (zeros > 15) return -1;
    return static_cast<int>((bits >> (31 - 2 * zeros)) - 1);
}

// A sequence set's id stands behind profile, constraints and level; a picture set's id comes first. Neither
// place can hold emulation prevention bytes: there are never two zero bytes in front.
int id_of(View unit) {
    const std::size_t place = type_of(unit) == sequence_set ? 4 : 1;
    return unit.size() > place ? read_number(unit.subspan(place)) : -1;
}

void add_unit(ParameterSets& sets, View unit) {
    if (type_of(unit) == sequence_set && unit.size() > 4)
        sets.sequence.emplace_back(unit.begin(), unit.end());
    if (type_of(unit) == picture_set) sets.picture.emplace_back(unit.begin(), unit.end());
}

bool read_description(View avcc, ParameterSets& sets) {
    if (avcc.size() < 7) return false;
    sets.length_bytes = (avcc[4] & 3) + 1;
    std::size_t at = 5;
    for (const std::uint8_t mask : {std::uint8_t{0x1F}, std::uint8_t{0xFF}}) {
        if (at >= avcc.size()) return false;
        for (int left = avcc[at++] & mask; left > 0; --left) {
            if (at + 2 > avcc.size()) return false;
            const std::size_t length = static_cast<std::size_t>(avcc[at]) << 8 | avcc[at + 1];
            at += 2;
            if (length == 0 || at + length > avcc.size()) return false;
            add_unit(sets, avcc.subspan(at, length));
            at += length;
        }
    }
    return true;
}

}  // namespace

bool ParameterSets::contains(View unit) const {
    const auto same = [&](const Bytes& set) { return std::ranges::equal(set, unit); };
    return std::ranges::any_of(sequence, same) || std::ranges::any_of(picture, same);
}

std::optional<int> ParameterSets::free_id() const {
    const auto used = [this](int id) {
        const auto has_id = [id](const Bytes& set) { return id_of(set) == id; };
        return std::ranges::any_of(sequence, has_id) || std::ranges::any_of(picture, has_id);
    };
    for (int id = 0; id <= highest_sequence_id; ++id) {
        if (!used(id)) return id;
    }
    return std::nullopt;
}

std::optional<std::vector<View>> units_of(View packet, int length_bytes) {
    if (length_bytes == 0) return split_by_start_codes(packet);
    return split_by_lengths(packet, static_cast<std::size_t>(length_bytes));
}

std::optional<ParameterSets> read_parameter_sets(View extradata) {
    ParameterSets sets;
    if (!extradata.empty() && extradata[0] == 1) {
        if (!read_description(extradata, sets)) return std::nullopt;
    } else {
        const auto units = split_by_start_codes(extradata);
        if (!units) return std::nullopt;
        for (const View unit : *units) add_unit(sets, unit);
    }
    if (sets.sequence.empty() || sets.picture.empty()) return std::nullopt;
    return sets;
}

Bytes sample_description(const ParameterSets& sets) {
    std::uint8_t profile = 0;
    std::uint8_t constraints = 0xFF;  // what all sets keep
    std::uint8_t level = 0;
    for (const Bytes& set : sets.sequence) {
        profile = std::max(profile, set[1]);
        constraints &= set[2];
        level = std::max(level, set[3]);
    }
    Bytes avcc = {1, profile, constraints, level, 0xFC | 3};
    avcc.push_back(static_cast<std::uint8_t>(0xE0 | sets.sequence.size()));
    for (const Bytes& set : sets.sequence) {
        append_length(avcc, set.size(), 2);
        append(avcc, set);
    }
    avcc.push_back(static_cast<std::uint8_t>(sets.picture.size()));
    for (const Bytes& set : sets.picture) {
        append_length(avcc, set.size(), 2);
        append(avcc, set);
    }
    constexpr std::uint8_t high = 100;
    constexpr std::uint8_t chroma_420 = 0xFC | 1;
    constexpr std::uint8_t eight_bits = 0xF8;
    if (profile >= high) append(avcc, Bytes{chroma_420, eight_bits, eight_bits, 0});
    return avcc;
}

std::optional<Sample> make_sample(View packet, const ParameterSets& known) {
    const auto units = units_of(packet, known.length_bytes);
    if (!units) return std::nullopt;
    Sample sample;
    sample.bytes.reserve(packet.size() + 16);
    for (const View unit : *units) {
        switch (type_of(unit)) {
            case sequence_set:
            case picture_set: sample.foreign_sets |= !known.contains(unit); continue;
            case delimiter:
            case filler: continue;
            case instant_refresh: sample.instant_refresh = true; break;
            default: break;
        }
        append_length(sample.bytes, unit.size(), 4);
        append(sample.bytes, unit);
    }
    return sample;
}

}  // namespace eventlens::h264
