// The whole C side of kata-ts: what cannot be had from TypeScript.
//
//   syscall(nr, ...args)   syscall(2). A string is passed as a NUL-terminated UTF-8 char*, a typed array as the
//                          address of its first byte, null and undefined as 0, a number or a bigint as itself. The result is what the kernel returned: a value, or -errno.
//   addressOf(buffer)      The address of the first byte, for structures that hold pointers. The caller keeps the
//                          buffer alive for as long as the kernel may look.
//   onRejection(fn)        fn(promise, reason, handled) hears of promises that are rejected with nobody waiting.
//   utf8Encode, utf8Decode 8 KiB take 510 us in TypeScript under QuickJS, 3 us here, and a start encodes many of them.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <quickjs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// How much heap the program needs to load itself, in quarters of a MiB: the linker gives the symbol that value (setup/compile.mjs).
extern char heap_quarters[];

// Before its first line runs, a program of ours has touched 2 or 3 MiB of heap, a page at a time: 800 exceptions, 13 us each
// where the host is a VM itself. All at once the pages take 1 us each. A kernel before 5.14 does not know how: then it is as it was.
__attribute__((constructor)) static void populate_heap(void) {
  enum { PAGE = 4096, KEPT = 1 << 20, PIECE = 1 << 18 };
  const int heap = (int)((uintptr_t)heap_quarters << 18);
  // A piece that what libc has by now cannot hold comes with so much behind it. Either option fixes the others, which glibc
  // would move by itself.
  mallopt(M_TOP_PAD, heap);
  mallopt(M_TRIM_THRESHOLD, heap + KEPT);
  mallopt(M_MMAP_THRESHOLD, KEPT);
  void *piece = malloc(PIECE);
  if (!piece) return;
  mallopt(M_TOP_PAD, 1 << 17);
#ifdef MADV_POPULATE_WRITE
  madvise((void *)((uintptr_t)piece & -PAGE), heap, MADV_POPULATE_WRITE);
#endif
  free(piece);
}

// The bytes behind a typed array; NULL with an exception pending for anything else.
static uint8_t *bytes_of(JSContext *ctx, JSValueConst v, size_t *length) {
  size_t offset = 0, unit = 0, whole = 0;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, v, &offset, length, &unit);
  if (JS_IsException(buffer)) {
    *length = 1;
    return NULL;
  }
  uint8_t *base = JS_GetArrayBuffer(ctx, &whole, buffer);
  JS_FreeValue(ctx, buffer);
  return base ? base + offset : NULL;
}

static JSValue js_syscall(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  long a[7] = {0};
  const char *strings[7] = {0};
  JSValue result = JS_EXCEPTION;
  if (argc > 7) argc = 7;
  for (int i = 0; i < argc; i++) {
    JSValueConst v = argv[i];
    if (JS_IsString(v)) {
      size_t length;
      strings[i] = JS_ToCStringLen(ctx, &length, v);
      if (!strings[i]) goto done;
      if (strlen(strings[i]) != length) {
        JS_ThrowTypeError(ctx, "a string for the kernel holds a NUL byte");
        goto done;
      }
      a[i] = (long)strings[i];
    } else if (JS_IsNull(v) || JS_IsUndefined(v)) {
      a[i] = 0;
    } else if (JS_IsObject(v)) {
      size_t length = 0;
      uint8_t *p = bytes_of(ctx, v, &length);
      // An empty buffer may have no address; the kernel is told its length elsewhere and does not look.
      if (!p && length != 0) goto done;
      a[i] = (long)p;
    } else {
      int64_t x;
      if (JS_ToInt64Ext(ctx, &x, v)) goto done;
      a[i] = x;
    }
  }
  long r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
  result = JS_NewInt64(ctx, r == -1 ? -(long)errno : r);
done:
  for (int i = 0; i < 7; i++)
    if (strings[i]) JS_FreeCString(ctx, strings[i]);
  return result;
}

static JSValue js_address_of(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length = 0;
  uint8_t *p = bytes_of(ctx, argv[0], &length);
  if (!p && length != 0) return JS_EXCEPTION;
  return JS_NewBigUint64(ctx, (uint64_t)p);
}

static JSValue js_utf8_encode(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length;
  const char *s = JS_ToCStringLen(ctx, &length, argv[0]);
  if (!s) return JS_EXCEPTION;
  JSValue buffer = JS_NewArrayBufferCopy(ctx, (const uint8_t *)s, length);
  JS_FreeCString(ctx, s);
  return buffer;
}

static JSValue js_utf8_decode(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length = 0;
  uint8_t *p = bytes_of(ctx, argv[0], &length);
  if (!p && length != 0) return JS_EXCEPTION;
  return JS_NewStringLen(ctx, (const char *)p, length);
}

// The engine tells of rejected promises only through a C callback; TypeScript decides what to make of one.
static JSValue tracker; // Zero bytes are the number 0, which is no function.

static void on_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL handled, void *opaque) {
  JSValueConst args[3] = {promise, reason, JS_NewBool(ctx, handled)};
  if (JS_IsFunction(ctx, tracker)) JS_FreeValue(ctx, JS_Call(ctx, tracker, JS_UNDEFINED, 3, args));
}

static JSValue js_on_rejection(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  JS_FreeValue(ctx, tracker);
  tracker = JS_DupValue(ctx, argv[0]);
  JS_SetHostPromiseRejectionTracker(JS_GetRuntime(ctx), on_rejection, NULL);
  return JS_UNDEFINED;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("syscall", 7, js_syscall),
    JS_CFUNC_DEF("addressOf", 1, js_address_of),
    JS_CFUNC_DEF("utf8Encode", 1, js_utf8_encode),
    JS_CFUNC_DEF("utf8Decode", 1, js_utf8_decode),
    JS_CFUNC_DEF("onRejection", 1, js_on_rejection),
};

static int init(JSContext *ctx, JSModuleDef *m) {
  return JS_SetModuleExportList(ctx, m, functions, sizeof functions / sizeof *functions);
}

JSModuleDef *js_init_module_sys(JSContext *ctx, const char *name) {
  JSModuleDef *m = JS_NewCModule(ctx, name, init);
  if (m) JS_AddModuleExportList(ctx, m, functions, sizeof functions / sizeof *functions);
  return m;
}
