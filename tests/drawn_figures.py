"""What tests ask of a matplotlib figure."""

import io


def is_drawable(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=40)
    return png.getvalue().startswith(b"\x89PNG")


def line_data(axes, i=0):
    """The x and y of a line."""
    return axes.lines[i].get_xdata(), axes.lines[i].get_ydata()


def is_inside(figure):
    """Whether all of the figure lies on its sheet: a name that is too long would be cut."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()
    drawn_in, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return drawn_in.x0 >= 0 and drawn_in.y0 >= 0 and drawn_in.x1 <= width and drawn_in.y1 <= height
