"""The forms of the admin pages."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from server.staff.accounts import Role
from server.staff.keys import Scope
from server.staff.passwords import LONGEST


class LoginForm(FlaskForm):
    name = StringField("Name", [InputRequired("Write your name."), Length(max=100, message="This name is too long.")])
    password = PasswordField("Password", [InputRequired("Write your password.")])


class PasswordForm(FlaskForm):
    old = PasswordField("The password so far", [InputRequired("Write the password that you have.")])
    new = PasswordField(
        "The new one", [InputRequired("Write the new one."), Length(max=LONGEST, message="This password is too long.")]
    )
    again = PasswordField("The new one again", [EqualTo("new", "The two are not the same.")])


class KeyForm(FlaskForm):
    name = StringField(
        "Name", [InputRequired("Name what will use it."), Length(max=100, message="This name is too long.")]
    )
    scope = SelectField("Scope", choices=[scope.value for scope in Scope])


class StaffForm(FlaskForm):
    name = StringField(
        "Name",
        [InputRequired("Write a name for the login."), Length(max=100, message="This name is too long.")],
    )
    role = SelectField("Role", choices=[role.value for role in Role])
    password = PasswordField("Password", [Length(max=LONGEST, message="This password is too long.")])
