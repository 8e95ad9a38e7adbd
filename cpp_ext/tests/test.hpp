// A test runner in one screen: TEST(name) { CHECK(...); }. No Python, nothing to download.
#pragma once

#include <cstdio>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace graphx::test {

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Case {
    const char* file;
    const char* name;
    void (*body)();
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

struct Registrar {
    Registrar(const char* file, const char* name, void (*body)()) { cases().push_back({file, name, body}); }
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    std::ostringstream message;
    message << file << ':' << line << ": " << what;
    throw Failure(message.str());
}

template <class A, class B>
void check_equal(const char* file, int line, const char* text, const A& left, const B& right) {
    if (left == right) return;
    std::ostringstream message;
    message << text << ": " << left << " != " << right;
    fail(file, line, message.str());
}

}  // namespace graphx::test

#define TEST(name)                                                                       \
    static void test_##name();                                                           \
    static const ::graphx::test::Registrar registrar_##name(__FILE__, #name, test_##name); \
    static void test_##name()

#define CHECK(condition) \
    ((condition) ? (void)0 : ::graphx::test::fail(__FILE__, __LINE__, "not true: " #condition))

#define CHECK_EQ(left, right) ::graphx::test::check_equal(__FILE__, __LINE__, #left " == " #right, (left), (right))

// The statement throws an exception of the type (or one derived from it); anything else fails.
#define CHECK_THROWS(type, statement)                                                               \
    do {                                                                                            \
        bool thrown_ = false;                                                                       \
        try {                                                                                       \
            statement;                                                                              \
        } catch (const type&) {                                                                     \
            thrown_ = true;                                                                         \
        }                                                                                           \
        if (!thrown_) ::graphx::test::fail(__FILE__, __LINE__, "no " #type " from: " #statement);   \
    } while (0)
