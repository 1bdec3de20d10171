"""HEIC as telephones write it, a grid of tiles, by libheif itself; its Python half writes none."""

import ctypes

import _pillow_heif

_RGB, _INTERLEAVED_RGB, _INTERLEAVED, _HEVC, _ORIENTATION_AT = 1, 10, 10, 1, 20


class _Error(ctypes.Structure):
    _fields_ = (("code", ctypes.c_int), ("detail", ctypes.c_int), ("message", ctypes.c_char_p))


def grid(picture, path, *, tile=512, orientation=1):
    """Write a picture (PIL, RGB) in tiles; how it is to be turned as EXIF counts it."""
    lib = ctypes.CDLL(_pillow_heif.__file__)
    for name in ("heif_context_alloc", "heif_encoding_options_alloc", "heif_image_get_plane"):
        getattr(lib, name).restype = ctypes.c_void_p

    def done(name, *given):
        getattr(lib, name).restype = _Error
        error = getattr(lib, name)(*given)
        assert error.code == 0, (name, error.message)

    context = ctypes.c_void_p(lib.heif_context_alloc())
    encoder, handle = ctypes.c_void_p(), ctypes.c_void_p()
    done("heif_context_get_encoder_for_format", context, _HEVC, ctypes.byref(encoder))
    columns, rows = -(-picture.width // tile), -(-picture.height // tile)
    tiles = (ctypes.c_void_p * (columns * rows))()
    for number in range(columns * rows):
        left, top = number % columns * tile, number // columns * tile
        part = picture.crop((left, top, left + tile, top + tile)).tobytes()
        image, stride = ctypes.c_void_p(), ctypes.c_int()
        done("heif_image_create", tile, tile, _RGB, _INTERLEAVED_RGB, ctypes.byref(image))
        done("heif_image_add_plane", image, _INTERLEAVED, tile, tile, 8)
        plane = lib.heif_image_get_plane(image, _INTERLEAVED, ctypes.byref(stride))
        for row in range(tile):
            ctypes.memmove(plane + row * stride.value, part[row * tile * 3 : (row + 1) * tile * 3], tile * 3)
        tiles[number] = image
    options = ctypes.c_void_p(lib.heif_encoding_options_alloc())
    ctypes.c_int.from_address(options.value + _ORIENTATION_AT).value = orientation
    done("heif_context_add_grid_image", context, picture.width, picture.height, columns, rows, options,
         ctypes.byref(handle))  # fmt: skip
    for number, image in enumerate(tiles):
        done("heif_context_add_image_tile", context, handle, number % columns, number // columns,
             ctypes.c_void_p(image), encoder)  # fmt: skip
    done("heif_context_set_primary_image", context, handle)
    done("heif_context_write_to_file", context, str(path).encode())
    lib.heif_context_free(context)
