#include "bibs/pattern.h"

#include <bitset>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "eventlens/error.h"

namespace eventlens {

namespace {

constexpr std::size_t longest_expression = 128;
constexpr std::size_t longest_text = 31;  // its positions, the end included, are the bits of a Positions
constexpr int deepest_group = 16;
constexpr int no_limit = std::numeric_limits<int>::max();

using Positions = std::uint32_t;
using Characters = std::bitset<256>;

std::uint8_t code(char c) {
    return static_cast<std::uint8_t>(c);
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

char to_upper(char c) {
    return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

bool is_letter_or_digit(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Characters range(char first, char last) {
    Characters set;
    for (int c = code(first); c <= code(last); ++c) set.set(code(to_upper(static_cast<char>(c))));
    return set;
}

}  // namespace

struct Pattern::Node {
    enum class Kind { characters, sequence, choice, repeat, start, end };
    Kind kind = Kind::sequence;
    Characters characters;    // of upper case
    std::vector<Node> parts;  // one for a repeat
    int least = 1;
    int most = 1;

    // Where the text may stand after this node, from each of the positions before it.
    Positions after(Positions before, std::string_view text) const {
        switch (kind) {
            case Kind::characters: {
                Positions fit = 0;
                for (std::size_t i = 0; i < text.size(); ++i) {
                    if (characters[code(to_upper(text[i]))]) fit |= Positions{1} << i;
                }
                return (before & fit) << 1;
            }
            case Kind::sequence:
                for (const Node& part : parts) before = part.after(before, text);
                return before;
            case Kind::choice: {
                Positions any = 0;
                for (const Node& part : parts) any |= part.after(before, text);
                return any;
            }
            case Kind::repeat: return after_repeating(before, text);
            case Kind::start: return before & Positions{1};
            case Kind::end: return before & (Positions{1} << text.size());
        }
        return 0;
    }

    // Ends after as many rounds as the text has positions: either every round takes a character, or the set
    // only grows.
    Positions after_repeating(Positions before, std::string_view text) const {
        Positions now = before;
        for (int round = 0; round < least; ++round) {
            const Positions next = parts.front().after(now, text);
            if (next == now) break;
            now = next;
        }
        Positions seen = now;
        for (int round = least; round < most && now; ++round) {
            now = parts.front().after(now, text) & ~seen;
            seen |= now;
        }
        return seen;
    }
};

namespace {

using Node = Pattern::Node;

class Parser {
  public:
    explicit Parser(std::string_view expression) : rest_(expression), whole_(expression) {}

    Node parse() {
        Node root = choice(0);
        if (!rest_.empty()) fail("a ')' without its '('");
        return root;
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw Error(ErrorCode::bad_input, "the bib pattern has " + what + " at character " +
                                              std::to_string(whole_.size() - rest_.size() + 1));
    }

    bool at(char c) const { return !rest_.empty() && rest_.front() == c; }

    bool take(char c) {
        if (!at(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    char next(const char* missing) {
        if (rest_.empty()) fail(missing);
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    Node choice(int depth) {
        if (depth > deepest_group) fail("too many groups in each other");
        Node node;
        node.kind = Node::Kind::choice;
        do node.parts.push_back(sequence(depth));
        while (take('|'));
        return node;
    }

    Node sequence(int depth) {
        Node node;
        while (!rest_.empty() && !at('|') && !at(')')) node.parts.push_back(counted(atom(depth)));
        return node;
    }

    Node atom(int depth) {
        Node node;
        node.kind = Node::Kind::characters;
        const char c = next("nothing to match");
        switch (c) {
            case '^': node.kind = Node::Kind::start; return node;
            case '$': node.kind = Node::Kind::end; return node;
            case '.': node.characters.set(); return node;
            case '[': node.characters = set(); return node;
            case '\\': node.characters = escaped(); return node;
            case '(':
                if (take('?') && !take(':')) fail("a kind of group that is not known here");
                node = choice(depth + 1);
                if (!take(')')) fail("a '(' without its ')'");
                return node;
            case '?':
            case '*':
            case '+':
            case '{':
            case '}':
            case ']': fail(std::string("a stray '") + c + "' before it, or something");
            default: node.characters = range(c, c); return node;
        }
    }

    Characters escaped() {
        const char c = next("nothing after a '\\'");
        if (c == 'd') return range('0', '9');
        if (c == 'D') return ~range('0', '9');
        if (c == 'w') return range('0', '9') | range('A', 'Z') | range('_', '_');
        if (is_letter_or_digit(c)) fail("an escape that is not known here");
        return range(c, c);
    }

    Characters set() {
        const bool all_but = take('^');
        Characters characters;
        while (!take(']')) {
            const char first = next("a '[' without its ']'");
            if (first == '\\') {
                characters |= escaped();
                continue;
            }
            char last = first;
            if (rest_.size() >= 2 && rest_[0] == '-' && rest_[1] != ']') {
                rest_.remove_prefix(1);
                last = next("a '[' without its ']'");
                if (last == '\\' || code(last) < code(first)) fail("a range that runs backwards");
            }
            characters |= range(first, last);
        }
        return all_but ? ~characters : characters;
    }

    Node counted(Node what) {
        int least = 0;
        int most = no_limit;
        if (take('?')) {
            most = 1;
        } else if (take('+')) {
            least = 1;
        } else if (take('{')) {
            least = number();
            most = take(',') ? (at('}') ? no_limit : number()) : least;
            if (!take('}')) fail("a '{' without its '}'");
            if (most < least) fail("a count that runs backwards");
        } else if (!take('*')) {
            return what;
        }
        if (at('?') || at('*') || at('+') || at('{')) fail("a count of a count");
        Node node;
        node.kind = Node::Kind::repeat;
        node.parts.push_back(std::move(what));
        node.least = least;
        node.most = most;
        return node;
    }

    int number() {
        int value = -1;
        while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
            value = 10 * std::max(value, 0) + (rest_.front() - '0');
            if (value > 1000) fail("a count above 1000");
            rest_.remove_prefix(1);
        }
        if (value < 0) fail("a count that is not a number");
        return value;
    }

    std::string_view rest_;
    std::string_view whole_;
};

}  // namespace

Pattern::Pattern(std::string_view expression) {
    if (expression.empty()) throw Error(ErrorCode::bad_input, "the bib pattern is empty");
    if (expression.size() > longest_expression) {
        throw Error(ErrorCode::bad_input, "the bib pattern is longer than 128 characters");
    }
    root_ = std::make_unique<const Node>(Parser(expression).parse());
}

Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

bool Pattern::matches(std::string_view text) const {
    if (text.size() > longest_text) return false;
    return (root_->after(Positions{1}, text) >> text.size() & 1U) != 0;
}

}  // namespace eventlens
